// SPDX-License-Identifier: Apache-2.0
// The platform on the host. Included by platform.hpp only.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/platform/host_block.hpp"
#include "kernels/platform/types.hpp"
#include "sw/contract/half.hpp"
#include "sw/parallel/workers.hpp"

namespace bitloom::kernels::cpu {

/// Host memory in the shape of device memory; owned, movable, not copyable.
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
  [[nodiscard]] std::size_t size() const { return values_.size(); }

  [[nodiscard]] std::vector<T> read() const { return values_; }
  void write(const std::vector<T>& from) const {
    std::copy(from.begin(), from.end(), values_.begin());
  }
  void fill(std::uint8_t byte) const {
    if (!values_.empty()) std::memset(values_.data(), byte, values_.size() * sizeof(T));
  }

 private:
  mutable std::vector<T> values_;
};

// ---- Launches -----------------------------------------------------------------------------------

inline unsigned host_workers(std::uint64_t blocks) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::clamp<std::uint64_t>(blocks, 1, cores));
}

inline thread_local std::uint64_t current_index = 0;

/// At least `threads` threads run the kernel; it returns where global_index() is past its work.
template <class Arguments>
void launch(void (*kernel)(Arguments), std::uint64_t threads, const Arguments& arguments,
            void* /*stream*/) {
  const unsigned workers = host_workers(threads);
  run_workers(workers, [&](unsigned worker) {
    const std::uint64_t end = threads * (worker + 1) / workers;
    for (current_index = threads * worker / workers; current_index < end; ++current_index)
      kernel(arguments);
  });
}

/// Returns when the last block is done. Throws Fault where the threads of a block part: they wait
/// at different barriers, or some have returned.
template <class Arguments>
void launch_blocks(void (*kernel)(Arguments), const Grid& grid, const Arguments& arguments,
                   void* /*stream*/) {
  const unsigned workers = host_workers(grid.blocks);
  run_workers(workers, [&](unsigned worker) {
    HostBlock block(grid.threads, grid.shared_bytes);
    for (unsigned b = worker; b < grid.blocks; b += workers)
      block.run(b, [&] { kernel(arguments); });
  });
}

inline void synchronize() {}  // a launch on the host returns when it is done

/// What the smallest of the GPUs that the kernels are compiled for has (compute capability 8.9), so
/// that a plan which fits the host fits all of them. Source: CUDA C++ programming guide, table of
/// technical specifications per compute capability.
inline std::size_t shared_memory_limit() { return std::size_t{99} * 1024; }
inline unsigned multiprocessors() { return host_workers(~std::uint64_t{0}); }

// ---- Inside a kernel ----------------------------------------------------------------------------

inline std::uint64_t global_index() { return current_index; }

inline unsigned block_index() { return HostBlock::current().index(); }
inline unsigned thread_index() { return HostBlock::current().thread(); }
inline unsigned block_threads() { return HostBlock::current().threads(); }
inline std::uint8_t* shared_memory() { return HostBlock::current().shared(); }
inline void block_barrier() { HostBlock::current().block_barrier(); }
inline void warp_barrier() { HostBlock::current().exchange("warp_barrier", nullptr, 0); }

template <class T>
T shuffle_xor(T value, unsigned mask) {
  HostBlock& block = HostBlock::current();
  block.exchange("shuffle_xor", &value, sizeof value);
  std::memcpy(&value, block.lane_value(block.thread() % kWarp ^ mask), sizeof value);
  return value;
}

inline float half_value(std::uint16_t bits) {
  return static_cast<float>(contract::units(Half{bits})) * 0x1p-24F;
}

inline void copy_async(void* shared, const void* global) {
  HostBlock::current().copy_async(shared, global);
}
inline void commit_copies() { HostBlock::current().commit_copies(); }
template <int pending>
void wait_copies() {
  HostBlock::current().wait_copies(pending);
}

// The tile's four sums of this lane, once all lanes have given their operands: sum(a, b) is the
// product of a row's and a column's words in the four lanes that hold them.
template <class Operands, class Sum>
void mma(const char* name, Fragment& tile, const Operands& operands, Sum sum) {
  HostBlock& block = HostBlock::current();
  block.exchange(name, &operands, sizeof operands);
  const unsigned lane = block.thread() % kWarp;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = lane / 4;
    const unsigned column = 2 * (lane % 4) + i % 2;
    for (unsigned q = 0; q < 4; ++q) {
      Operands a{};
      Operands b{};
      std::memcpy(&a, block.lane_value(4 * row + q), sizeof a);
      std::memcpy(&b, block.lane_value(4 * column + q), sizeof b);
      tile.c[i] += sum(a, b, i / 2);
    }
  }
}

// Unqualified in kernels, as nvcc has it.
using std::memcpy;

inline void mma_b1(Fragment& tile, std::uint32_t a0, std::uint32_t a1, std::uint32_t b) {
  struct Operands {
    std::uint32_t a[2], b;
  };
  mma("mma_b1", tile, Operands{{a0, a1}, b},
      [](const Operands& row, const Operands& column, unsigned half) {
        return std::popcount(row.a[half] & column.b);
      });
}

template <class Byte>
void mma_bytes(const char* name, Fragment& tile, const std::uint32_t (&a)[4], std::uint32_t b0,
               std::uint32_t b1) {
  struct Operands {
    std::uint32_t a[4], b[2];
  };
  mma(name, tile, Operands{{a[0], a[1], a[2], a[3]}, {b0, b1}},
      [](const Operands& row, const Operands& column, unsigned half) {
        std::int32_t sum = 0;
        for (unsigned word = 0; word < 2; ++word)
          for (unsigned shift = 0; shift < 32; shift += 8)
            sum += static_cast<std::uint8_t>(row.a[2 * word + half] >> shift) *
                   static_cast<Byte>(column.b[word] >> shift);
        return sum;
      });
}
inline void mma_u8(Fragment& tile, const std::uint32_t (&a)[4], std::uint32_t b0,
                   std::uint32_t b1) {
  mma_bytes<std::uint8_t>("mma_u8", tile, a, b0, b1);
}
inline void mma_s8(Fragment& tile, const std::uint32_t (&a)[4], std::uint32_t b0,
                   std::uint32_t b1) {
  mma_bytes<std::int8_t>("mma_s8", tile, a, b0, b1);
}

inline void publish() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline std::uint32_t arrive(std::uint32_t* counter) {
  return std::atomic_ref<std::uint32_t>(*counter).fetch_add(1);
}
inline Words4 load_fresh(const Words4* from) { return *from; }

}  // namespace bitloom::kernels::cpu
