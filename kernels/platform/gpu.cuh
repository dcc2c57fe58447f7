// SPDX-License-Identifier: Apache-2.0
// The platform on a GPU. Included by platform.hpp only.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <string>
#include <utility>
#include <vector>

#include "kernels/engine.hpp"
#include "kernels/platform/types.hpp"

namespace bitloom::kernels::gpu {

inline void require(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw Fault(std::string(what) + ": " + cudaGetErrorString(status));
}

/// Device memory; owned, movable, not copyable.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t size) : size_(size) {
    if (size != 0) require(cudaMalloc(&data_, size * sizeof(T)), "cudaMalloc");
  }
  explicit Buffer(const std::vector<T>& from) : Buffer(from.size()) { write(from); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() { cudaFree(data_); }

  /// Null when empty.
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  [[nodiscard]] std::vector<T> read() const {
    std::vector<T> to(size_);
    if (size_ != 0)
      require(cudaMemcpy(to.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost),
              "copy from the GPU");
    return to;
  }

  /// Fills the front of the buffer. Done on return, for any stream: a copy from pageable memory may
  /// return before it is (CUDA runtime API, "API synchronization behavior").
  void write(const std::vector<T>& from) const {
    if (from.empty()) return;
    require(cudaMemcpy(data_, from.data(), from.size() * sizeof(T), cudaMemcpyHostToDevice),
            "copy to the GPU");
    require(cudaStreamSynchronize(nullptr), "copy to the GPU");
  }

  /// Sets every byte. Done on return, for any stream.
  void fill(std::uint8_t byte) const {
    if (size_ == 0) return;
    require(cudaMemset(data_, byte, size_ * sizeof(T)), "memory of the GPU");
    require(cudaStreamSynchronize(nullptr), "memory of the GPU");
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

// ---- Launches -----------------------------------------------------------------------------------

inline constexpr unsigned kThreadsPerBlock = 128;

/// At least `threads` threads run the kernel; it returns where global_index() is past its work.
template <class Arguments>
void launch(void (*kernel)(Arguments), std::uint64_t threads, const Arguments& arguments,
            void* stream) {
  if (threads == 0) return;
  const std::uint64_t blocks = (threads + kThreadsPerBlock - 1) / kThreadsPerBlock;
  kernel<<<static_cast<unsigned>(blocks), kThreadsPerBlock, 0, static_cast<cudaStream_t>(stream)>>>(
      arguments);
  require(cudaGetLastError(), "launch");
}

template <class Arguments>
void launch_blocks(void (*kernel)(Arguments), const Grid& grid, const Arguments& arguments,
                   void* stream) {
  if (grid.shared_bytes > 48 * 1024)
    require(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(grid.shared_bytes)),
            "shared memory");
  kernel<<<grid.blocks, grid.threads, grid.shared_bytes, static_cast<cudaStream_t>(stream)>>>(
      arguments);
  require(cudaGetLastError(), "launch");
}

inline void synchronize() { require(cudaDeviceSynchronize(), "kernel"); }

/// Bytes of shared memory that a block may have, and the number of multiprocessors.
inline std::size_t shared_memory_limit() {
  int bytes = 0;
  require(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0),
          "properties of the GPU");
  return static_cast<std::size_t>(bytes);
}
inline unsigned multiprocessors() {
  int count = 0;
  require(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0),
          "properties of the GPU");
  return static_cast<unsigned>(count);
}

// ---- Inside a kernel ----------------------------------------------------------------------------

BL_DEVICE std::uint64_t global_index() {
  return std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}
BL_DEVICE unsigned block_index() { return blockIdx.x; }
BL_DEVICE unsigned thread_index() { return threadIdx.x; }
BL_DEVICE unsigned block_threads() { return blockDim.x; }

BL_DEVICE std::uint8_t* shared_memory() {
  extern __shared__ __align__(16) std::uint8_t shared[];
  return shared;
}
BL_DEVICE void block_barrier() { __syncthreads(); }
BL_DEVICE void warp_barrier() { __syncwarp(); }

/// The value of the lane whose number differs from this one's in the bits of mask. T is whole
/// 32-bit words.
template <class T>
BL_DEVICE T shuffle_xor(T value, unsigned mask) {
  static_assert(sizeof(T) % 4 == 0);
  std::uint32_t words[sizeof(T) / 4];
  memcpy(words, &value, sizeof(T));
  BL_UNROLL
  for (std::uint32_t& word : words)
    word = __shfl_xor_sync(0xFFFFFFFFU, word, static_cast<int>(mask));
  memcpy(&value, words, sizeof(T));
  return value;
}

BL_DEVICE float half_value(std::uint16_t bits) { return __half2float(__ushort_as_half(bits)); }

/// Starts a copy of 16 aligned bytes past the level-1 cache.
BL_DEVICE void copy_async(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(
                   static_cast<unsigned>(__cvta_generic_to_shared(shared))),
               "l"(global)
               : "memory");
}
/// Closes a group of copies of this thread.
BL_DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits until at most `pending` of this thread's groups are not complete.
template <int pending>
BL_DEVICE void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

/// tile += A * B with A 16 x 128 and B 128 x 8 bits, AND and population count. a0, a1: columns
/// 32q..32q+31 of A's rows g and g + 8, bit i column 32q + i; b: these rows of B's column g.
BL_DEVICE void mma_b1(Fragment& tile, std::uint32_t a0, std::uint32_t a1, std::uint32_t b) {
  asm volatile(
      "mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.and.popc "
      "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+r"(tile.c[0]), "+r"(tile.c[1]), "+r"(tile.c[2]), "+r"(tile.c[3])
      : "r"(a0), "r"(a1), "r"(b));
}

/// tile += A * B with A 16 x 32 unsigned bytes and B 32 x 8 bytes, unsigned (mma_u8) or signed
/// (mma_s8). a[0], a[2]: columns 4q..4q+3 and 16+4q..16+4q+3 of A's row g; a[1], a[3]: of row g +
/// 8; b0, b1: these rows of B's column g.
BL_DEVICE void mma_u8(Fragment& tile, const std::uint32_t (&a)[4], std::uint32_t b0,
                      std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.u8.u8.s32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(tile.c[0]), "+r"(tile.c[1]), "+r"(tile.c[2]), "+r"(tile.c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
BL_DEVICE void mma_s8(Fragment& tile, const std::uint32_t (&a)[4], std::uint32_t b0,
                      std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(tile.c[0]), "+r"(tile.c[1]), "+r"(tile.c[2]), "+r"(tile.c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// Makes what this thread wrote visible to the blocks that see a later arrive().
BL_DEVICE void publish() { __threadfence(); }
/// Counts up and returns the count before. One thread of a block calls it.
BL_DEVICE std::uint32_t arrive(std::uint32_t* counter) { return atomicAdd(counter, 1U); }
/// Reads what another block published, past this multiprocessor's cache.
BL_DEVICE Words4 load_fresh(const Words4* from) {
  const uint4 v = __ldcg(reinterpret_cast<const uint4*>(from));
  return {v.x, v.y, v.z, v.w};
}

}  // namespace bitloom::kernels::gpu
