// SPDX-License-Identifier: Apache-2.0
// Names and types that both platforms share (platform.hpp).
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
