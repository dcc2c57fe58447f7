// SPDX-License-Identifier: Apache-2.0
// A float weight matrix that is read row by row, so that a matrix of billions of weights never
// stands in memory as a whole.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace bitloom {

/// A weight matrix [M, K]. `read_row(row, out)` fills `out` (K values) with one row; it is called
/// from several threads, in any order, and returns the same values each time.
struct FloatMatrix {
  std::uint32_t m = 0;
  std::uint32_t k = 0;
  std::function<void(std::uint32_t row, std::span<float> out)> read_row;
};

/// A matrix that owns `values`, [M, K] row-major.
FloatMatrix matrix_of(std::vector<float> values, std::uint32_t m, std::uint32_t k);

/// Calls body(row, worker) for every row in [0, rows), on `threads` threads (0 = one per core);
/// `worker` in [0, worker_count(rows, threads)) tells threads apart, for their own workspaces.
/// An exception of the body ends the loop and is thrown again here.
void for_each_row(std::uint32_t rows, unsigned threads,
                  const std::function<void(std::uint32_t row, unsigned worker)>& body);

/// The number of workers that for_each_row uses.
unsigned worker_count(std::uint32_t rows, unsigned threads);

}  // namespace bitloom
