// SPDX-License-Identifier: Apache-2.0
// What gpu_bench measures with: a GPU, or the host to try the program out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/engine.hpp"
#include "kernels/tiled/tiled.hpp"

namespace bitloom::kernels {

/// quick: 3 launches, to choose between plans. full: 15, after 0.1 s at work, in which a GPU comes
/// to its clock.
enum class Effort : std::uint8_t { quick, full };

class BenchDevice {
 public:
  BenchDevice() = default;
  BenchDevice(const BenchDevice&) = delete;
  BenchDevice& operator=(const BenchDevice&) = delete;
  virtual ~BenchDevice() = default;

  [[nodiscard]] virtual EngineInfo info() const = 0;
  [[nodiscard]] virtual const Engine& reference() const = 0;

  /// Bytes of the last cache before memory (L2).
  [[nodiscard]] virtual std::size_t cache_bytes() const = 0;

  [[nodiscard]] virtual std::unique_ptr<LoadedLayer> load(const Layer& layer,
                                                          const Planner& planner) const = 0;

  /// Seconds of one call: the calls run in turn, back to back, as one CUDA graph of at least 200,
  /// and launches of it follow each other without a gap; the median of what they take. Throws
  /// Fault.
  virtual double seconds_per_call(const std::vector<PreparedCall*>& calls, Effort effort) = 0;

  /// The same of copying `bytes` within the device's memory, `copies` different ones in turn.
  virtual double copy_seconds(std::size_t bytes, unsigned copies) = 0;

  /// The same of y = W x in binary16 by the vendor's library, W [M, K] and `tokens` vectors, with
  /// `copies` different W of random values in turn. Empty where there is no such library.
  virtual std::optional<double> vendor_seconds(std::uint32_t m, std::uint32_t k,
                                               std::uint32_t tokens, unsigned copies) = 0;
};

/// Always there.
std::unique_ptr<BenchDevice> make_host_bench_device();

/// Null where there is no usable GPU; find_engine() says why. Throws Fault.
std::unique_ptr<BenchDevice> make_gpu_bench_device();

}  // namespace bitloom::kernels
