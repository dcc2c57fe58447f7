// SPDX-License-Identifier: Apache-2.0
#include "host/sources/quantize_cached.hpp"

#include <fmt/format.h>

#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sw/error/error.hpp"
#include "sw/io/sha256.hpp"
#include "sw/quant/bcq.hpp"
#include "sw/quant/codebook.hpp"
#include "sw/quant/uniform.hpp"

namespace bitloom {
namespace {

std::string sha256_of(std::string_view text) {
  return sha256_hex(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void store(const LayerCache& cache, const std::string& key, const Quantized& quantized,
           const LayerProgress& progress) {
  try {
    cache.store(key, quantized);
  } catch (const Error& error) {
    // The layer is at hand: a cache that cannot be written costs time, not the run.
    if (progress.note) progress.note(error.what());
  }
}

std::string digest(std::span<const double> values) {
  const auto bytes = std::as_bytes(values);
  return sha256_hex(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

// All that the result depends on besides the weights: two recipes never share a text.
std::string recipe_text(const Recipe& recipe) {
  const std::string common = fmt::format(
      "bits {} from {} group {} columns {}", recipe.precisions.bits, recipe.precisions.first(),
      recipe.group_size, recipe.column_weights.empty() ? "alike" : digest(recipe.column_weights));
  if (recipe.method == Method::codebook)
    return fmt::format("codebook {} {}", kCodebookRevision, common);
  if (recipe.method == Method::rtn) return fmt::format("uniform {} {}", kUniformRevision, common);
  return fmt::format("quantizer {} {} offset {} rounds {}", kBcqRevision, common, recipe.offset,
                     BcqOptions{}.rounds);
}

Quantized quantize(const std::string& name, const FloatMatrix& weights, const Recipe& recipe,
                   const std::function<void()>& row_done) {
  if (recipe.method == Method::codebook)
    return quantize_codebook(name, weights,
                             {.precisions = recipe.precisions,
                              .group_size = recipe.group_size,
                              .column_weights = recipe.column_weights,
                              .threads = recipe.threads,
                              .row_done = row_done});
  if (recipe.method == Method::rtn)
    return quantize_uniform(name, weights,
                            {.bits = recipe.precisions.bits,
                             .group_size = recipe.group_size,
                             .threads = recipe.threads,
                             .row_done = row_done});
  return quantize_bcq(name, weights,
                      {.precisions = recipe.precisions,
                       .group_size = recipe.group_size,
                       .offset = recipe.offset,
                       .column_weights = recipe.column_weights,
                       .threads = recipe.threads,
                       .row_done = row_done});
}

}  // namespace

std::string matrix_identity(const FloatMatrix& weights) {
  Sha256 hash;
  std::vector<float> row(weights.k);
  for (std::uint32_t i = 0; i < weights.m; ++i) {
    weights.read_row(i, row);
    const auto bytes = std::as_bytes(std::span(row));
    hash.update(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  }
  return fmt::format("floats {} {} {}", weights.m, weights.k, hash.hex());
}

Quantized quantize_cached(const LayerCache& cache, const std::string& name,
                          const FloatMatrix& weights, const std::string& identity,
                          const Recipe& recipe, const LayerProgress& progress) {
  // The name is part of the layer, and so of the entry.
  const std::string key = sha256_of(name + " " + identity + " " + recipe_text(recipe));
  if (std::optional<Quantized> cached = cache.find(key)) {
    for (std::uint32_t row = 0; progress.row_done && row < weights.m; ++row) progress.row_done();
    return std::move(*cached);
  }
  if (progress.quantizing) progress.quantizing(weights.m);
  Quantized quantized = quantize(name, weights, recipe, progress.row_done);
  store(cache, key, quantized, progress);
  return quantized;
}

}  // namespace bitloom
