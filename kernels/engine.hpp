// SPDX-License-Identifier: Apache-2.0
// What runs layer calls through the kernels, on a GPU or on the host.
#pragma once

#include <cstdint>
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

/// One call with all of its memory in place, to be run once or many times.
class PreparedCall {
 public:
  PreparedCall() = default;
  PreparedCall(const PreparedCall&) = delete;
  PreparedCall& operator=(const PreparedCall&) = delete;
  virtual ~PreparedCall() = default;

  /// Other activations for the next runs, as many tokens of as many columns. Waits for the copy,
  /// and must not overtake a run. Throws Fault.
  virtual void set_activations(const Activations& acts) = 0;

  /// Starts the call behind what `stream` (a cudaStream_t, null for the default one) holds already;
  /// it may be under capture. On the host the call is done on return. Throws Fault.
  virtual void enqueue(void* stream) = 0;

  /// Waits for everything that runs on the device. Throws Fault.
  virtual void wait() = 0;

  /// Of the last run; seconds = 0. Throws Fault.
  [[nodiscard]] virtual Result read() const = 0;
};

/// A layer in the engine's memory.
class LoadedLayer {
 public:
  LoadedLayer() = default;
  LoadedLayer(const LoadedLayer&) = delete;
  LoadedLayer& operator=(const LoadedLayer&) = delete;
  virtual ~LoadedLayer() = default;

  /// `bits` is served, acts.k = K. The call keeps pointers into the layer. Throws Fault.
  [[nodiscard]] virtual std::unique_ptr<PreparedCall> prepare(unsigned bits,
                                                              const Activations& acts,
                                                              OutputFormat format) const = 0;

  /// Prepares, runs once, and reads. Throws Fault.
  [[nodiscard]] Result run(unsigned bits, const Activations& acts, OutputFormat format) const;
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

/// reference: one thread per output, trusted rather than fast; takes every layer. tiled: bit-planes
/// in tiles for the tensor cores; takes what tiled::supports() says (kernels/tiled/tiles.hpp).
enum class KernelSet : std::uint8_t { reference, tiled };

namespace cpu {
/// The kernels compiled for the host, on all cores; always there.
EngineSearch find_engine(KernelSet kernels);
}  // namespace cpu

namespace gpu {
/// The kernels on the first GPU of this machine, if there is one and this build has GPU code.
EngineSearch find_engine(KernelSet kernels);
}  // namespace gpu

}  // namespace bitloom::kernels
