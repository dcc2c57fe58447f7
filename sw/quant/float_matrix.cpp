// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/float_matrix.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>

#include "sw/parallel/workers.hpp"

namespace bitloom {
namespace {

// Rows are handed out in runs, so that neighbouring rows stay on one thread.
constexpr std::uint32_t kRowsPerRun = 8;

}  // namespace

FloatMatrix matrix_of(std::vector<float> values, std::uint32_t m, std::uint32_t k) {
  auto shared = std::make_shared<const std::vector<float>>(std::move(values));
  return {m, k, [shared, k](std::uint32_t row, std::span<float> out) {
            const auto begin = shared->begin() + static_cast<std::ptrdiff_t>(std::size_t{row} * k);
            std::copy_n(begin, k, out.begin());
          }};
}

unsigned worker_count(std::uint32_t rows, unsigned threads) {
  const unsigned wanted =
      threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
  return std::min<unsigned>(wanted, std::max(1U, (rows + kRowsPerRun - 1) / kRowsPerRun));
}

void for_each_row(std::uint32_t rows, unsigned threads,
                  const std::function<void(std::uint32_t row, unsigned worker)>& body) {
  std::atomic<std::uint64_t> next = 0;
  run_workers(worker_count(rows, threads), [&](unsigned worker) {
    try {
      for (;;) {
        const std::uint64_t begin = next.fetch_add(kRowsPerRun);
        const std::uint64_t end = std::min<std::uint64_t>(begin + kRowsPerRun, rows);
        if (begin >= end) return;
        for (std::uint64_t row = begin; row < end; ++row)
          body(static_cast<std::uint32_t>(row), worker);
      }
    } catch (...) {
      next = rows;  // the others stop at their next run
      throw;
    }
  });
}

}  // namespace bitloom
