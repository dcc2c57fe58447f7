// SPDX-License-Identifier: Apache-2.0
#include "host/sources/sources.hpp"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "host/cache/layer_cache.hpp"
#include "host/models/models.hpp"
#include "host/synthetic/synthetic.hpp"
#include "sw/error/error.hpp"
#include "sw/io/layer_file.hpp"
#include "sw/io/llama2c.hpp"
#include "sw/io/sha256.hpp"

namespace bitloom {
namespace {

// Float weights, and a text that two different matrices never share.
struct FloatLayer {
  FloatMatrix weights;
  std::string origin;
  std::string identity;
};

std::string sha256_of(std::string_view text) {
  return sha256_hex(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

FloatLayer synthetic_layer(const LayerRequest& request) {
  const LayerShape& shape = find_layer(request.layer);
  return {synthetic_weights(shape.name, shape.m, shape.k, request.seed),
          fmt::format("synthetic, seed {}", request.seed),
          fmt::format("synthetic {} {} {} {} {}", kSyntheticRevision, shape.name, shape.m, shape.k,
                      request.seed)};
}

FloatLayer llama2c_layer(const LayerRequest& request) {
  const Llama2cFile file(request.weights);
  const Llama2cTensor& tensor = file.tensor(request.layer);
  std::vector<float> values = file.read(tensor);
  const auto bytes = std::as_bytes(std::span(values));
  const std::string hash =
      sha256_hex(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  return {matrix_of(std::move(values), tensor.rows, tensor.columns), request.weights.string(),
          fmt::format("llama2c {} {} {} {}", tensor.name, tensor.rows, tensor.columns, hash)};
}

void store(const LayerCache& cache, const std::string& key, const Quantized& quantized,
           const LayerRequest& request) {
  try {
    cache.store(key, quantized);
  } catch (const Error& error) {
    // The layer is at hand: a cache that cannot be written costs time, not the run.
    if (request.note) request.note(error.what());
  }
}

Quantized quantize_cached(const FloatLayer& source, const LayerRequest& request) {
  const BcqOptions options{.bits = request.bits, .row_done = request.row_done};
  const LayerCache cache(cache_directory());
  const std::string key = sha256_of(fmt::format(
      "{} quantizer {} bits {} group {} offset {} rounds {}", source.identity, kQuantizerRevision,
      options.bits, options.group_size, options.offset, options.rounds));
  if (std::optional<Quantized> cached = cache.find(key)) return std::move(*cached);
  if (request.quantizing) request.quantizing(source.weights.m);
  Quantized quantized = quantize_bcq(request.layer, source.weights, options);
  store(cache, key, quantized, request);
  return quantized;
}

}  // namespace

LayerSource layer_source(const LayerRequest& request) {
  const bool llama2c = request.weights.extension() == ".bin";
  if (!request.weights.empty() && !llama2c)
    return {read_layer(request.weights, request.layer), request.weights.string(), {}, {}};
  const FloatLayer source = llama2c ? llama2c_layer(request) : synthetic_layer(request);
  Quantized quantized = quantize_cached(source, request);
  return {std::move(quantized.layer), source.origin, source.weights, quantized.relative_error};
}

}  // namespace bitloom
