// SPDX-License-Identifier: Apache-2.0
// Clusters of points on a line against exhaustive searches that share no code with them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "sw/quant/line_clusters.hpp"

namespace {

using namespace bitloom;

// The squared error of points around their own mean, by definition.
long double error_of(const std::vector<WeightedPoint>& points) {
  long double weight = 0;
  long double sum = 0;
  for (const WeightedPoint& point : points) {
    weight += point.weight;
    sum += static_cast<long double>(point.weight) * point.value;
  }
  long double error = 0;
  for (const WeightedPoint& point : points) {
    const long double distance = point.value - sum / weight;
    error += point.weight * distance * distance;
  }
  return error;
}

std::vector<WeightedPoint> part(const std::vector<WeightedPoint>& points, std::size_t begin,
                                std::size_t end) {
  return {points.begin() + static_cast<std::ptrdiff_t>(begin),
          points.begin() + static_cast<std::ptrdiff_t>(end)};
}

// The least error over all ways to give each point one of k clusters, intervals or not.
long double exhaustive_error(const std::vector<WeightedPoint>& points, std::uint32_t k) {
  std::size_t ways = 1;
  for (std::size_t i = 0; i < points.size(); ++i) ways *= k;
  long double best = std::numeric_limits<long double>::infinity();
  for (std::size_t way = 0; way < ways; ++way) {
    std::vector<std::vector<WeightedPoint>> clusters(k);
    std::size_t rest = way;
    for (const WeightedPoint& point : points) {
      clusters[rest % k].push_back(point);
      rest /= k;
    }
    long double error = 0;
    for (const auto& cluster : clusters)
      if (!cluster.empty()) error += error_of(cluster);
    best = std::min(best, error);
  }
  return best;
}

// The least error over all cuts into k intervals: each row of the recurrence in full.
long double best_cut_error(const std::vector<WeightedPoint>& points, std::uint32_t k) {
  const std::size_t n = points.size();
  std::vector<long double> interval(n * (n + 1));
  for (std::size_t begin = 0; begin < n; ++begin)
    for (std::size_t end = begin + 1; end <= n; ++end)
      interval[begin * (n + 1) + end] = error_of(part(points, begin, end));
  std::vector<long double> least(n + 1, std::numeric_limits<long double>::infinity());
  least[0] = 0;
  for (std::uint32_t cluster = 0; cluster < k; ++cluster) {
    std::vector<long double> next(n + 1, std::numeric_limits<long double>::infinity());
    for (std::size_t end = 1; end <= n; ++end)
      for (std::size_t begin = 0; begin < end; ++begin)
        next[end] = std::min(next[end], least[begin] + interval[begin * (n + 1) + end]);
    least = next;
  }
  return least[n];
}

long double error_of(const std::vector<WeightedPoint>& points, const LineClusters& clusters) {
  long double error = 0;
  for (std::size_t i = 0; i < clusters.means().size(); ++i)
    error += error_of(part(points, clusters.begins()[i], clusters.begins()[i + 1]));
  return error;
}

// Distinct values, in `spread` steps of their own: few steps make many equal distances.
std::vector<WeightedPoint> random_points(std::size_t count, std::uint64_t seed, std::uint64_t steps,
                                         bool weighted) {
  std::mt19937_64 random(seed);
  std::vector<WeightedPoint> points;
  double value = -static_cast<double>(random() % 1000) / 64;
  for (std::size_t i = 0; i < count; ++i) {
    value += static_cast<double>(1 + random() % steps) / 64;
    points.push_back({value, weighted ? static_cast<double>(1 + random() % 100) / 16 : 1.0});
  }
  return points;
}

void check_shape(const std::vector<WeightedPoint>& points, std::uint32_t k,
                 const LineClusters& clusters) {
  const std::size_t expected = std::min<std::size_t>(k, points.size());
  REQUIRE(clusters.means().size() == expected);
  REQUIRE(clusters.begins().size() == expected + 1);
  CHECK(clusters.begins().front() == 0);
  CHECK(clusters.begins().back() == points.size());
  for (std::size_t i = 0; i < expected; ++i) {
    REQUIRE(clusters.begins()[i] < clusters.begins()[i + 1]);
    double weight = 0;
    double sum = 0;
    for (std::uint32_t p = clusters.begins()[i]; p < clusters.begins()[i + 1]; ++p) {
      weight += points[p].weight;
      sum += points[p].weight * points[p].value;
    }
    CHECK(clusters.means()[i] == Approx(sum / weight).margin(1e-12));
  }
}

TEST_CASE("No assignment of a few points to clusters has less error") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const std::size_t count = 1 + seed % 8;
    const std::vector<WeightedPoint> points =
        random_points(count, seed, seed % 3 == 0 ? 2 : 50, seed % 2 == 1);
    for (std::uint32_t k = 1; k <= 4; ++k) {
      LineClusters clusters(k);
      clusters.fit(points);
      CAPTURE(seed, count, k);
      check_shape(points, k, clusters);
      const long double least = exhaustive_error(points, std::min<std::uint32_t>(k, 8));
      CHECK(static_cast<double>(error_of(points, clusters)) ==
            Approx(static_cast<double>(least)).epsilon(1e-12).margin(1e-13));
    }
  }
}

TEST_CASE("No cut of many points into intervals has less error, up to 256 of them") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    const std::vector<WeightedPoint> points =
        random_points(180, seed, seed % 2 == 0 ? 3 : 10000, seed > 2);
    for (const std::uint32_t k : {1U, 2U, 3U, 8U, 16U, 100U, 179U, 180U, 256U}) {
      LineClusters clusters(k);
      clusters.fit(points);
      CAPTURE(seed, k);
      check_shape(points, k, clusters);
      const long double least = best_cut_error(points, std::min(k, 180U));
      CHECK(static_cast<double>(error_of(points, clusters)) ==
            Approx(static_cast<double>(least)).epsilon(1e-11).margin(1e-12));
    }
  }
}

TEST_CASE("Points far from zero keep their clusters") {
  std::vector<WeightedPoint> points = random_points(64, 9, 100, false);
  LineClusters near(8);
  near.fit(points);
  const std::vector<std::uint32_t> begins(near.begins().begin(), near.begins().end());
  for (WeightedPoint& point : points) point.value += 0x1p30;
  LineClusters far(8);
  far.fit(points);
  CHECK(std::equal(begins.begin(), begins.end(), far.begins().begin(), far.begins().end()));
}

TEST_CASE("A workspace forgets the points before") {
  LineClusters used(4);
  used.fit(random_points(50, 1, 100, true));
  const std::vector<WeightedPoint> points = random_points(9, 2, 100, true);
  used.fit(points);
  LineClusters fresh(4);
  fresh.fit(points);
  CHECK(std::equal(used.means().begin(), used.means().end(), fresh.means().begin(),
                   fresh.means().end()));
}

}  // namespace
