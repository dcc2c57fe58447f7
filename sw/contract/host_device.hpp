// SPDX-License-Identifier: Apache-2.0
// The contract is compiled by the host compiler and by nvcc, for the host and for the device.
#pragma once

#ifdef __CUDACC__
#define BL_HD __host__ __device__
#else
#define BL_HD
#endif
