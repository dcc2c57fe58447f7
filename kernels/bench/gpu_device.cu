// SPDX-License-Identifier: Apache-2.0
// Compiled by nvcc only.
#ifdef BITLOOM_CUBLAS
#include <cublas_v2.h>
#endif

#include <algorithm>
#include <chrono>

#include "kernels/bench/device.hpp"
#include "kernels/platform/platform.hpp"

namespace bitloom::kernels {
namespace {

using gpu::Buffer;
using gpu::require;

constexpr std::size_t kGraphParts = 200;  // at least: a launch costs microseconds of its own
constexpr double kWarmUpSeconds = 0.1;

#ifdef BITLOOM_CUBLAS
// Any binary16 value below 2 in magnitude: with zeros a GPU would reach a higher clock.
BL_KERNEL fill_with_halves(Half* values) {
  std::uint64_t bits = gpu::global_index() * 0x9E3779B97F4A7C15U;
  bits ^= bits >> 29;
  bits *= 0xBF58476D1CE4E5B9U;
  values[gpu::global_index()].bits = static_cast<std::uint16_t>((bits >> 32) & 0xBFFF);
}

// Whole blocks, so that every index is within.
Buffer<Half> random_halves(std::size_t size) {
  const std::size_t blocks = (size + gpu::kThreadsPerBlock - 1) / gpu::kThreadsPerBlock;
  Buffer<Half> values(blocks * gpu::kThreadsPerBlock);
  gpu::launch(fill_with_halves, values.size(), values.data(), nullptr);
  gpu::synchronize();
  return values;
}

void require(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Fault(std::string(what) + ": " + cublasGetStatusString(status));
}

struct CublasDeleter {
  void operator()(cublasHandle_t handle) const { cublasDestroy(handle); }
};
#endif

struct StreamDeleter {
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
struct EventDeleter {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
struct GraphDeleter {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
struct GraphExecDeleter {
  void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
};
template <class Handle, class Deleter>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Deleter>;
using Stream = Owned<cudaStream_t, StreamDeleter>;
using Event = Owned<cudaEvent_t, EventDeleter>;
using Graph = Owned<cudaGraph_t, GraphDeleter>;
using GraphExec = Owned<cudaGraphExec_t, GraphExecDeleter>;

Stream make_stream() {
  cudaStream_t stream = nullptr;
  require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  return Stream(stream);
}

Event make_event() {
  cudaEvent_t event = nullptr;
  require(cudaEventCreate(&event), "event");
  return Event(event);
}

class GpuBenchDevice final : public BenchDevice {
 public:
  explicit GpuBenchDevice(std::unique_ptr<Engine> reference) : reference_(std::move(reference)) {
#ifdef BITLOOM_CUBLAS
    cublasHandle_t handle = nullptr;
    require(cublasCreate(&handle), "cuBLAS");
    cublas_.reset(handle);
    require(cublasSetStream(handle, stream_.get()), "cuBLAS");
    require(cublasSetWorkspace(handle, workspace_.data(), workspace_.size()), "cuBLAS");
#endif
  }

  [[nodiscard]] EngineInfo info() const override { return reference_->info(); }
  [[nodiscard]] const Engine& reference() const override { return *reference_; }

  [[nodiscard]] std::size_t cache_bytes() const override {
    int bytes = 0;
    require(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, 0), "properties of the GPU");
    return static_cast<std::size_t>(bytes);
  }

  [[nodiscard]] std::unique_ptr<LoadedLayer> load(const Layer& layer,
                                                  const Planner& planner) const override {
    return gpu::load_tiled(layer, {}, planner);
  }

  double seconds_per_call(const std::vector<PreparedCall*>& calls, Effort effort) override {
    return median_seconds(effort, calls.size(), [&] {
      for (PreparedCall* call : calls) call->enqueue(stream_.get());
    });
  }

  double copy_seconds(std::size_t bytes, unsigned copies) override {
    const Buffer<std::uint8_t> from(bytes * copies);
    const Buffer<std::uint8_t> to(bytes * copies);
    from.fill(0x5A);
    return median_seconds(Effort::full, copies, [&] {
      for (std::size_t i = 0; i < copies; ++i)
        require(cudaMemcpyAsync(to.data() + i * bytes, from.data() + i * bytes, bytes,
                                cudaMemcpyDeviceToDevice, stream_.get()),
                "copy");
    });
  }

#ifdef BITLOOM_CUBLAS
  std::optional<double> vendor_seconds(std::uint32_t m, std::uint32_t k, std::uint32_t tokens,
                                       unsigned copies) override {
    const std::size_t weights = std::size_t{m} * k;
    const Buffer<Half> w = random_halves(weights * copies);
    const Buffer<Half> x = random_halves(std::size_t{tokens} * k);
    const Buffer<Half> y(std::size_t{tokens} * m);
    const float one = 1;
    const float zero = 0;
    return median_seconds(Effort::full, copies, [&] {
      for (std::size_t i = 0; i < copies; ++i)  // column-major: y = (W as K x M)^T x
        require(cublasGemmEx(cublas_.get(), CUBLAS_OP_T, CUBLAS_OP_N, static_cast<int>(m),
                             static_cast<int>(tokens), static_cast<int>(k), &one,
                             w.data() + i * weights, CUDA_R_16F, static_cast<int>(k), x.data(),
                             CUDA_R_16F, static_cast<int>(k), &zero, y.data(), CUDA_R_16F,
                             static_cast<int>(m), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                "cuBLAS");
    });
  }
#else
  std::optional<double> vendor_seconds(std::uint32_t /*m*/, std::uint32_t /*k*/,
                                       std::uint32_t /*tokens*/, unsigned /*copies*/) override {
    return std::nullopt;
  }
#endif

 private:
  // work() enqueues `parts` parts.
  template <class Work>
  double median_seconds(Effort effort, std::size_t parts, Work work) {
    work();  // loads what is loaded at first use
    require(cudaStreamSynchronize(stream_.get()), "first run");
    const std::size_t repeats = (kGraphParts + parts - 1) / parts;
    const GraphExec graph = captured([&] {
      for (std::size_t i = 0; i < repeats; ++i) work();
    });
    if (effort == Effort::full) warm_up(graph);
    // With the next launch in the queue before the last is done, events are the GPU's time alone;
    // the first interval is left out, since the queue was empty then.
    const unsigned launches = effort == Effort::full ? 15 : 3;
    std::vector<Event> events;
    for (unsigned i = 0; i < launches + 2; ++i) {
      events.push_back(make_event());
      require(cudaEventRecord(events.back().get(), stream_.get()), "event");
      if (i <= launches) require(cudaGraphLaunch(graph.get(), stream_.get()), "graph");
    }
    require(cudaStreamSynchronize(stream_.get()), "graph");
    std::vector<float> milliseconds(launches);
    for (unsigned i = 0; i < launches; ++i)
      require(cudaEventElapsedTime(&milliseconds[i], events[i + 1].get(), events[i + 2].get()),
              "event");
    std::sort(milliseconds.begin(), milliseconds.end());
    return milliseconds[milliseconds.size() / 2] * 1e-3 / static_cast<double>(repeats * parts);
  }

  template <class Work>
  GraphExec captured(Work work) {
    require(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal), "capture");
    work();
    cudaGraph_t graph = nullptr;
    require(cudaStreamEndCapture(stream_.get(), &graph), "capture");
    const Graph owned(graph);
    cudaGraphExec_t executable = nullptr;
    require(cudaGraphInstantiate(&executable, graph, 0), "graph");
    return GraphExec(executable);
  }

  void warm_up(const GraphExec& graph) {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start <
           std::chrono::duration<double>(kWarmUpSeconds)) {
      require(cudaGraphLaunch(graph.get(), stream_.get()), "graph");
      require(cudaStreamSynchronize(stream_.get()), "graph");
    }
  }

  std::unique_ptr<Engine> reference_;
  Stream stream_ = make_stream();
#ifdef BITLOOM_CUBLAS
  Buffer<std::uint8_t> workspace_{std::size_t{64} << 20};
  Owned<cublasHandle_t, CublasDeleter> cublas_;
#endif
};

}  // namespace

std::unique_ptr<BenchDevice> make_gpu_bench_device() {
  std::unique_ptr<Engine> reference = gpu::find_engine(KernelSet::reference).engine;
  if (reference == nullptr) return nullptr;
  return std::make_unique<GpuBenchDevice>(std::move(reference));
}

}  // namespace bitloom::kernels
