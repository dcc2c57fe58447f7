// SPDX-License-Identifier: Apache-2.0
// Compiled by nvcc only.
#include <cublas_v2.h>

#include <algorithm>

#include "kernels/bench/device.hpp"
#include "kernels/platform/platform.hpp"

namespace bitloom::kernels {
namespace {

using gpu::Buffer;
using gpu::require;

constexpr unsigned kWarmUps = 3;

void require(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Fault(std::string(what) + ": " + cublasGetStatusString(status));
}

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
struct CublasDeleter {
  void operator()(cublasHandle_t handle) const { cublasDestroy(handle); }
};
template <class Handle, class Deleter>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Deleter>;
using Stream = Owned<cudaStream_t, StreamDeleter>;
using Event = Owned<cudaEvent_t, EventDeleter>;

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
    cublasHandle_t handle = nullptr;
    require(cublasCreate(&handle), "cuBLAS");
    cublas_.reset(handle);
    require(cublasSetStream(handle, stream_.get()), "cuBLAS");
    require(cublasSetWorkspace(handle, workspace_.data(), workspace_.size()), "cuBLAS");
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

  double seconds_per_call(const std::vector<PreparedCall*>& calls, unsigned launches) override {
    return median_seconds(launches, calls.size(), [&] {
      for (PreparedCall* call : calls) call->enqueue(stream_.get());
    });
  }

  double copy_seconds(std::size_t bytes, unsigned copies, unsigned launches) override {
    const Buffer<std::uint8_t> from(bytes * copies);
    const Buffer<std::uint8_t> to(bytes * copies);
    from.clear();
    return median_seconds(launches, copies, [&] {
      for (std::size_t i = 0; i < copies; ++i)
        require(cudaMemcpyAsync(to.data() + i * bytes, from.data() + i * bytes, bytes,
                                cudaMemcpyDeviceToDevice, stream_.get()),
                "copy");
    });
  }

  std::optional<double> vendor_seconds(std::uint32_t m, std::uint32_t k, std::uint32_t tokens,
                                       unsigned copies, unsigned launches) override {
    const std::size_t weights = std::size_t{m} * k;
    const Buffer<Half> w(weights * copies);
    const Buffer<Half> x(std::size_t{tokens} * k);
    const Buffer<Half> y(std::size_t{tokens} * m);
    w.clear();
    x.clear();
    const float one = 1;
    const float zero = 0;
    return median_seconds(launches, copies, [&] {
      for (std::size_t i = 0; i < copies; ++i)  // column-major: y = (W as K x M)^T x
        require(cublasGemmEx(cublas_.get(), CUBLAS_OP_T, CUBLAS_OP_N, static_cast<int>(m),
                             static_cast<int>(tokens), static_cast<int>(k), &one,
                             w.data() + i * weights, CUDA_R_16F, static_cast<int>(k), x.data(),
                             CUDA_R_16F, static_cast<int>(k), &zero, y.data(), CUDA_R_16F,
                             static_cast<int>(m), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                "cuBLAS");
    });
  }

 private:
  template <class Work>
  double median_seconds(unsigned launches, std::size_t parts, Work work) {
    require(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal), "capture");
    work();
    cudaGraph_t captured = nullptr;
    require(cudaStreamEndCapture(stream_.get(), &captured), "capture");
    const Owned<cudaGraph_t, GraphDeleter> graph(captured);
    cudaGraphExec_t instance = nullptr;
    require(cudaGraphInstantiate(&instance, graph.get(), 0), "graph");
    const Owned<cudaGraphExec_t, GraphExecDeleter> executable(instance);

    std::vector<float> milliseconds;
    for (unsigned i = 0; i < kWarmUps + launches; ++i) {
      require(cudaEventRecord(start_.get(), stream_.get()), "event");
      require(cudaGraphLaunch(executable.get(), stream_.get()), "graph");
      require(cudaEventRecord(stop_.get(), stream_.get()), "event");
      require(cudaEventSynchronize(stop_.get()), "graph");
      float elapsed = 0;
      require(cudaEventElapsedTime(&elapsed, start_.get(), stop_.get()), "event");
      if (i >= kWarmUps) milliseconds.push_back(elapsed);
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    return milliseconds[milliseconds.size() / 2] * 1e-3 / static_cast<double>(parts);
  }

  std::unique_ptr<Engine> reference_;
  Stream stream_ = make_stream();
  Event start_ = make_event();
  Event stop_ = make_event();
  Buffer<std::uint8_t> workspace_{std::size_t{64} << 20};
  Owned<cublasHandle_t, CublasDeleter> cublas_;
};

}  // namespace

std::unique_ptr<BenchDevice> make_gpu_bench_device() {
  std::unique_ptr<Engine> reference = gpu::find_engine(KernelSet::reference).engine;
  if (reference == nullptr) return nullptr;
  return std::make_unique<GpuBenchDevice>(std::move(reference));
}

}  // namespace bitloom::kernels
