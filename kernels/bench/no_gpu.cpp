// SPDX-License-Identifier: Apache-2.0
// Takes the place of gpu_device.cu where nvcc is not installed.
#include "kernels/bench/device.hpp"

namespace bitloom::kernels {

std::unique_ptr<BenchDevice> make_gpu_bench_device() { return nullptr; }

}  // namespace bitloom::kernels
