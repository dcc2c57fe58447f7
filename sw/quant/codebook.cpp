// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/codebook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "sw/contract/half_value.hpp"
#include "sw/error/error.hpp"
#include "sw/quant/line_clusters.hpp"

namespace bitloom {
namespace {

// Fits the codebooks of one row after the other in the same workspace.
class RowFit {
 public:
  RowFit(PrecisionRange precisions, std::span<const double> importance)
      : importance_(importance),
        seed_centroids_(std::size_t{1} << precisions.first()),
        clusters_(1U << precisions.first()),
        levels_(precisions.bits - precisions.first() + 1) {}

  void fit(std::span<const float> weights) {
    gather(weights);
    fit_seed();
    for (std::size_t i = 1; i < levels_.size(); ++i) split(levels_[i - 1], levels_[i]);
  }

  /// Centroids of the precision that is `step` above the seed, ascending except where two are
  /// equal; infinite when beyond binary16.
  [[nodiscard]] std::span<const Half> centroids(std::size_t step) const {
    return levels_[step].centroids;
  }

  /// A weight's index at the highest precision.
  [[nodiscard]] unsigned index_of(float weight) const {
    const std::vector<double>& seed = levels_.front().bounds;
    auto index =
        static_cast<unsigned>(std::upper_bound(seed.begin(), seed.end(), weight) - seed.begin());
    for (std::size_t i = 1; i < levels_.size(); ++i)
      index = 2 * index + (weight >= levels_[i].bounds[index] ? 1 : 0);
    return index;
  }

 private:
  struct Level {
    std::vector<Half> centroids;
    std::vector<double> bounds;       // seed: between neighbours; later: within each old cluster
    std::vector<std::size_t> begins;  // of the clusters' points, and their end
  };

  // The distinct values of columns that count, ascending, and what each counts.
  void gather(std::span<const float> weights) {
    points_.clear();
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (importance_[i] > 0) points_.push_back({weights[i], importance_[i]});
    // Points that compare equal are equal: the order, and the sums, are the same with any library.
    std::sort(points_.begin(), points_.end(), [](const auto& a, const auto& b) {
      return a.value != b.value ? a.value < b.value : a.weight < b.weight;
    });
    std::size_t last = 0;
    for (std::size_t i = 1; i < points_.size(); ++i) {
      if (points_[i].value == points_[last].value)
        points_[last].weight += points_[i].weight;
      else
        points_[++last] = points_[i];
    }
    points_.resize(last + 1);
  }

  void fit_seed() {
    clusters_.fit(points_);
    const std::span<const double> means = clusters_.means();
    Level& level = levels_.front();
    level.centroids.resize(seed_centroids_);
    for (std::size_t i = 0; i < level.centroids.size(); ++i)
      level.centroids[i] = half_from_double(means[std::min(i, means.size() - 1)]);
    level.bounds.clear();
    level.begins.assign(1, 0);
    for (std::size_t i = 1; i < level.centroids.size(); ++i) {
      level.bounds.push_back(middle(level.centroids[i - 1], level.centroids[i]));
      level.begins.push_back(first_from(level.begins.back(), points_.size(), level.bounds.back()));
    }
    level.begins.push_back(points_.size());
  }

  void split(const Level& old, Level& level) {
    level.centroids.clear();
    level.bounds.clear();
    level.begins.assign(1, 0);
    for (std::size_t i = 0; i < old.centroids.size(); ++i) {
      const auto [low, high] = halves(old.begins[i], old.begins[i + 1], old.centroids[i]);
      level.centroids.push_back(low);
      level.centroids.push_back(high);
      level.bounds.push_back(middle(low, high));
      level.begins.push_back(first_from(old.begins[i], old.begins[i + 1], level.bounds.back()));
      level.begins.push_back(old.begins[i + 1]);
    }
  }

  // The rounded means of the two best parts of a cluster, or its centroid twice. A part's error
  // from its rounded mean is the least that a binary16 value can have, so no sum of errors rises.
  std::pair<Half, Half> halves(std::size_t begin, std::size_t end, Half centroid) {
    if (end - begin < 2) return {centroid, centroid};
    pair_.fit(std::span<const WeightedPoint>(points_).subspan(begin, end - begin));
    return {half_from_double(pair_.means()[0]), half_from_double(pair_.means()[1])};
  }

  // The first of the points [begin, end) at `bound` or above.
  [[nodiscard]] std::size_t first_from(std::size_t begin, std::size_t end, double bound) const {
    const auto at = [this](std::size_t i) {
      return points_.begin() + static_cast<std::ptrdiff_t>(i);
    };
    return static_cast<std::size_t>(std::lower_bound(at(begin), at(end), bound,
                                                     [](const WeightedPoint& point, double value) {
                                                       return point.value < value;
                                                     }) -
                                    points_.begin());
  }

  static double middle(Half low, Half high) { return 0.5 * (to_double(low) + to_double(high)); }

  std::span<const double> importance_;
  std::size_t seed_centroids_;
  LineClusters clusters_;
  LineClusters pair_{2};
  std::vector<WeightedPoint> points_;
  std::vector<Level> levels_;  // seed and those above it
};

void check_representable(std::span<const Half> centroids, std::uint32_t row) {
  if (std::all_of(centroids.begin(), centroids.end(),
                  [](Half centroid) { return std::isfinite(to_double(centroid)); }))
    return;
  throw Error(ErrorCode::quant_value,
              {fmt::format("row {}", row), "weights that need a centroid above 65504",
               "centroids within binary16", "Scale the weights down."});
}

// Bytes of different rows are distinct, so rows may be written from several threads.
void store_row(Layer& layer, PrecisionRange precisions, std::uint32_t row,
               std::span<const float> weights, const RowFit& fit) {
  for (unsigned bits = precisions.first(); bits <= precisions.bits; ++bits) {
    const std::span<const Half> centroids = fit.centroids(bits - precisions.first());
    check_representable(centroids, row);
    std::copy(centroids.begin(), centroids.end(),
              layer.precisions.at(bits).codebook.begin() +
                  static_cast<std::ptrdiff_t>(std::size_t{row} << bits));
  }
  std::vector<std::uint8_t> codes;
  codes.reserve(weights.size());
  for (const float weight : weights)
    codes.push_back(code_of(fit.index_of(weight), precisions.bits));
  store_codes(layer, row, 0, codes);
}

}  // namespace

Quantized quantize_codebook(std::string name, const FloatMatrix& weights,
                            const CodebookOptions& options) {
  check_quantizable(weights.m, weights.k, options.precisions, options.group_size);
  const std::vector<double> importance = column_importance(options.column_weights, weights.k);
  Layer layer =
      empty_layer(std::move(name), Mode::codebook, weights, options.precisions, options.group_size);
  for (auto& [bits, tables] : layer.precisions)
    tables.codebook.resize(std::size_t{layer.m} << bits);
  std::vector<RowFit> fits(worker_count(weights.m, options.threads),
                           RowFit(options.precisions, importance));
  return quantize_rows(
      std::move(layer), weights, options.threads, options.row_done,
      [&](Layer& rows, std::uint32_t row, std::span<const float> values, unsigned worker) {
        fits[worker].fit(values);
        store_row(rows, options.precisions, row, values, fits[worker]);
      });
}

}  // namespace bitloom
