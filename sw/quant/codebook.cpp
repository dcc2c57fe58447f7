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

void check_column_weights(std::span<const double> weights, std::uint32_t k) {
  if (weights.empty()) return;
  const auto refuse = [](std::string place, std::string found, const char* expected) {
    throw Error(ErrorCode::quant_option, {std::move(place), std::move(found), expected,
                                          "Give every column a weight, or none any."});
  };
  if (weights.size() != k)
    refuse("column weights", std::to_string(weights.size()), "one per column of the matrix");
  const auto bad = std::find_if_not(weights.begin(), weights.end(), [](double weight) {
    return std::isfinite(weight) && weight >= 0;
  });
  if (bad != weights.end())
    refuse(fmt::format("weight of column {}", bad - weights.begin()), fmt::format("{}", *bad),
           "a finite number that is not negative");
  if (std::all_of(weights.begin(), weights.end(), [](double weight) { return weight == 0; }))
    refuse("column weights", "0 for every column", "a column that counts");
}

// Fits the codebook of one row after the other in the same workspace.
class RowFit {
 public:
  RowFit(unsigned bits, std::span<const double> column_weights)
      : column_weights_(column_weights),
        clusters_(1U << bits),
        centroids_(std::size_t{1} << bits) {}

  void fit(std::span<const float> weights) {
    gather(weights);
    clusters_.fit(points_);
    const std::span<const double> means = clusters_.means();
    for (std::size_t i = 0; i < centroids_.size(); ++i)
      centroids_[i] = half_from_double(means[std::min(i, means.size() - 1)]);
    bounds_.clear();
    for (std::size_t i = 1; i < centroids_.size(); ++i)
      bounds_.push_back(0.5 * (to_double(centroids_[i - 1]) + to_double(centroids_[i])));
  }

  /// 2^bits values, ascending; infinite when beyond binary16.
  [[nodiscard]] std::span<const Half> centroids() const { return centroids_; }

  /// The index of the nearest centroid, the upper one on a tie.
  [[nodiscard]] unsigned index_of(float weight) const {
    return static_cast<unsigned>(std::upper_bound(bounds_.begin(), bounds_.end(), weight) -
                                 bounds_.begin());
  }

 private:
  // The distinct values of columns that count, ascending, and what each counts.
  void gather(std::span<const float> weights) {
    points_.clear();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double weight = column_weights_.empty() ? 1.0 : column_weights_[i];
      if (weight > 0) points_.push_back({weights[i], weight});
    }
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

  std::span<const double> column_weights_;
  LineClusters clusters_;
  std::vector<WeightedPoint> points_;
  std::vector<Half> centroids_;
  std::vector<double> bounds_;  // between neighbouring centroids
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
void store_row(Layer& layer, unsigned bits, std::uint32_t row, std::span<const float> weights,
               const RowFit& fit) {
  std::copy(fit.centroids().begin(), fit.centroids().end(),
            layer.precisions.at(bits).codebook.begin() +
                static_cast<std::ptrdiff_t>(std::size_t{row} << bits));
  for (std::size_t column = 0; column < weights.size(); ++column) {
    const unsigned index = fit.index_of(weights[column]);
    for (unsigned p = 0; p < bits; ++p) {
      const unsigned bit = (index >> (bits - 1 - p)) & 1U;
      layer.planes[(std::size_t{p} * layer.m + row) * layer.row_bytes() + column / 8] |=
          static_cast<std::uint8_t>(bit << (column % 8));
    }
  }
}

}  // namespace

Quantized quantize_codebook(std::string name, const FloatMatrix& weights,
                            const CodebookOptions& options) {
  check_quantizable(weights.m, weights.k, options.bits, options.group_size);
  check_column_weights(options.column_weights, weights.k);
  Layer layer =
      unquantized_layer(std::move(name), Mode::codebook, weights, options.bits, options.group_size);
  layer.precisions.at(options.bits).codebook.resize(std::size_t{layer.m} << options.bits);
  RowErrors errors(weights.m);
  std::vector<RowFit> fits(worker_count(weights.m, options.threads),
                           RowFit(options.bits, options.column_weights));

  for_each_row(weights.m, options.threads, [&](std::uint32_t row, unsigned worker) {
    std::vector<float> values(weights.k);
    weights.read_row(row, values);
    check_finite(values, row);
    RowFit& fit = fits[worker];
    fit.fit(values);
    check_representable(fit.centroids(), row);
    store_row(layer, options.bits, row, values, fit);
    errors.measure(layer, options.bits, row, values);
    if (options.row_done) options.row_done();
  });
  return {std::move(layer), errors.relative()};
}

}  // namespace bitloom
