// SPDX-License-Identifier: Apache-2.0
// The reference kernel's host side: what runs it, on a GPU or on the host.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sw/layer/layer.hpp"

namespace bitloom::kernels {

/// An error that the GPU reported, in its words.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Result {
  Outputs y;
  std::vector<bool> nan_tokens;  ///< [T]: the token held a NaN or Inf
  double seconds = 0;            ///< from the first launch to the end of the last kernel
};

/// A layer in the engine's memory.
class LoadedLayer {
 public:
  LoadedLayer() = default;
  LoadedLayer(const LoadedLayer&) = delete;
  LoadedLayer& operator=(const LoadedLayer&) = delete;
  virtual ~LoadedLayer() = default;

  /// `bits` is served, acts.k = K. Throws Fault.
  [[nodiscard]] virtual Result run(unsigned bits, const Activations& acts,
                                   OutputFormat format) const = 0;
};

/// What a record says about where it ran; on the host only `device`, "host", is not empty.
struct EngineInfo {
  std::string device;              ///< for example "NVIDIA A100-SXM4-80GB"
  std::string compute_capability;  ///< "8.0"
  std::string driver;              ///< the newest CUDA version that the driver serves, "13.0"
  std::string runtime;             ///< the CUDA version compiled against
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  [[nodiscard]] virtual EngineInfo info() const = 0;

  /// Copies a consistent layer (its planes and tables have the sizes of its shape). Throws Fault.
  [[nodiscard]] virtual std::unique_ptr<LoadedLayer> load(const Layer& layer,
                                                          Arithmetic arithmetic) const = 0;
};

/// An engine, or the reason why there is none.
struct EngineSearch {
  std::unique_ptr<Engine> engine;
  std::string why_not;
};

namespace cpu {
/// The kernels compiled for the host, on all cores; always there.
EngineSearch find_engine();
}  // namespace cpu

namespace gpu {
/// The kernels on the first GPU of this machine, if there is one and this build has GPU code.
EngineSearch find_engine();
}  // namespace gpu

}  // namespace bitloom::kernels
