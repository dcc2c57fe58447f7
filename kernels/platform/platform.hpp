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

#ifdef __CUDACC__
#include "kernels/platform/gpu.cuh"
#else
#include "kernels/platform/host.hpp"
#endif
