// SPDX-License-Identifier: Apache-2.0
// What lets one kernel source run on a GPU (nvcc) and on the host (any C++20 compiler). Everything
// here lives in a namespace named after the platform, so one program can hold both compilations.
//
// A kernel is `BL_KERNEL name(Arguments)` or, with blocks of at most 256 threads that work together
// and 128 registers each, `BL_BLOCK_KERNEL name(const BL_GRID_CONSTANT Arguments)`. Both platforms
// offer the same names:
//
//   Buffer<T>                            memory of the device, owned
//   launch(kernel, threads, arguments, stream)      for kernels without barriers, which use
//                                                    global_index() and nothing else of this
//   launch_blocks(kernel, grid, arguments, stream) for kernels whose threads work together
//   synchronize()
//
// and, inside a kernel that was launched by blocks,
//
//   block_index(), thread_index(), block_threads(), shared_memory(), block_barrier()
//   warp_barrier(), shuffle_xor(value, mask)             all 32 lanes of a warp take part
//   copy_async(), commit_copies(), wait_copies<n>()      global to shared memory, 16 bytes each
//   mma_b1(), mma_u8(), mma_s8()                         tensor cores
//   half_value()                                         binary16 to float
//   arrive(), load_fresh(), publish()                    between blocks
//
// The host runs every thread of such a block as a fiber (host_block.hpp), so that index arithmetic,
// barriers and tails are the GPU's.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__
#define BL_PLATFORM gpu
#define BL_KERNEL __global__ void
#define BL_BLOCK_KERNEL __global__ void __launch_bounds__(256, 2)
#define BL_GRID_CONSTANT __grid_constant__
#define BL_DEVICE __device__ __forceinline__
#define BL_UNROLL _Pragma("unroll")
#else
#define BL_PLATFORM cpu
#define BL_KERNEL void
#define BL_BLOCK_KERNEL void
#define BL_GRID_CONSTANT
#define BL_DEVICE inline
#define BL_UNROLL
#endif

namespace bitloom::kernels::BL_PLATFORM {

inline constexpr unsigned kWarp = 32;

/// A launch by blocks. shared_bytes is at most shared_memory_limit().
struct Grid {
  unsigned blocks = 0;
  unsigned threads = 0;  ///< of a block; a multiple of 32, at most 256
  std::size_t shared_bytes = 0;
};

/// The four accumulators that one lane holds of a 16 x 8 tile: rows g and g + 8 (g = lane / 4),
/// columns 2q and 2q + 1 (q = lane % 4), as {g,2q}, {g,2q+1}, {g+8,2q}, {g+8,2q+1}.
/// Source: PTX ISA, section on matrix fragments for mma.m16n8k128 and mma.m16n8k32.
struct Fragment {
  std::int32_t c[4] = {0, 0, 0, 0};
};

struct alignas(8) Words2 {
  std::uint32_t x, y;
};
struct alignas(16) Words4 {
  std::uint32_t x, y, z, w;
};

}  // namespace bitloom::kernels::BL_PLATFORM

#ifdef __CUDACC__
#include "kernels/platform/gpu.hpp"
#else
#include "kernels/platform/host.hpp"
#endif
