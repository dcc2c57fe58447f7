// SPDX-License-Identifier: Apache-2.0
// What lets one kernel source run on a GPU (nvcc) and on the host (any C++20 compiler): buffers,
// launches, and CUDA's index variables. Everything here lives in a namespace named after the
// platform, so one program can hold both compilations.
//
// A kernel is `BL_KERNEL name(Arguments)`, one-dimensional, and finds its place with
// global_index(). On the host the blocks of a launch run on all cores and the threads of a block
// one after the other, which is enough for kernels without barriers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/reference.hpp"

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define BL_PLATFORM gpu
#define BL_KERNEL __global__ void
#define BL_DEVICE __device__
#else
#include <algorithm>
#include <thread>
#include <utility>
#define BL_PLATFORM cpu
#define BL_KERNEL void
#define BL_DEVICE
#endif

namespace bitloom::kernels::BL_PLATFORM {

inline constexpr unsigned kThreadsPerBlock = 128;

inline std::uint64_t blocks_for(std::uint64_t threads) {
  return (threads + kThreadsPerBlock - 1) / kThreadsPerBlock;
}

#ifdef __CUDACC__

inline void require(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw Fault(std::string(what) + ": " + cudaGetErrorString(status));
}

/// Device memory; owned, not copyable.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t size) : size_(size) {
    if (size != 0) require(cudaMalloc(&data_, size * sizeof(T)), "cudaMalloc");
  }
  explicit Buffer(const std::vector<T>& from) : Buffer(from.size()) {
    if (size_ != 0)
      require(cudaMemcpy(data_, from.data(), size_ * sizeof(T), cudaMemcpyHostToDevice),
              "copy to the GPU");
  }
  Buffer(Buffer&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() { cudaFree(data_); }

  /// Null when empty.
  [[nodiscard]] T* data() const { return data_; }

  [[nodiscard]] std::vector<T> read() const {
    std::vector<T> to(size_);
    if (size_ != 0)
      require(cudaMemcpy(to.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost),
              "copy from the GPU");
    return to;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

BL_DEVICE inline std::uint64_t global_index() {
  return std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}

/// At least `threads` threads run the kernel; it returns where global_index() is past its work.
template <class Arguments>
void launch(void (*kernel)(Arguments), std::uint64_t threads, const Arguments& arguments) {
  if (threads == 0) return;
  kernel<<<static_cast<unsigned>(blocks_for(threads)), kThreadsPerBlock>>>(arguments);
  require(cudaGetLastError(), "launch");
}

inline void synchronize() { require(cudaDeviceSynchronize(), "kernel"); }

#else

/// Host memory in the shape of device memory; owned, not copyable.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t size) : values_(size) {}
  explicit Buffer(std::vector<T> from) : values_(std::move(from)) {}
  Buffer(Buffer&&) noexcept = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() = default;

  /// Null when empty. A kernel writes through it although the buffer itself is const, as on a GPU.
  [[nodiscard]] T* data() const { return values_.empty() ? nullptr : values_.data(); }

  [[nodiscard]] std::vector<T> read() const { return values_; }

 private:
  mutable std::vector<T> values_;
};

struct Index {
  std::uint64_t x = 0;
};
inline thread_local Index blockIdx;   // NOLINT(misc-use-internal-linkage): CUDA's own names
inline thread_local Index threadIdx;  // NOLINT(misc-use-internal-linkage)

inline std::uint64_t global_index() { return blockIdx.x * kThreadsPerBlock + threadIdx.x; }

/// At least `threads` threads run the kernel; it returns where global_index() is past its work.
template <class Arguments>
void launch(void (*kernel)(Arguments), std::uint64_t threads, const Arguments& arguments) {
  const std::uint64_t blocks = blocks_for(threads);
  const auto run_blocks = [&](std::uint64_t first, std::uint64_t end) {
    for (blockIdx.x = first; blockIdx.x < end; ++blockIdx.x)
      for (threadIdx.x = 0; threadIdx.x < kThreadsPerBlock; ++threadIdx.x) kernel(arguments);
  };
  const std::uint64_t workers =
      std::clamp<std::uint64_t>(blocks, 1, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::jthread> others;
  for (std::uint64_t w = 1; w < workers; ++w)
    others.emplace_back(run_blocks, blocks * w / workers, blocks * (w + 1) / workers);
  run_blocks(0, blocks / workers);
}

inline void synchronize() {}  // a launch on the host returns when it is done

#endif

}  // namespace bitloom::kernels::BL_PLATFORM
