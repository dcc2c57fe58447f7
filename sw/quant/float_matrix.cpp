// SPDX-License-Identifier: Apache-2.0
#include "sw/quant/float_matrix.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace bitloom {
namespace {

// Rows are handed out in runs, so that neighbouring rows stay on one thread.
constexpr std::uint32_t kRowsPerRun = 8;

// The first exception of any worker; the others stop at their next run.
class FirstFailure {
 public:
  void capture() {
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    failed_ = true;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::atomic<bool> failed_ = false;
};

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
  FirstFailure failure;
  const auto work = [&](unsigned worker) {
    try {
      for (;;) {
        const std::uint64_t begin = next.fetch_add(kRowsPerRun);
        const std::uint64_t end = std::min<std::uint64_t>(begin + kRowsPerRun, rows);
        if (begin >= end || failure.failed()) return;
        for (std::uint64_t row = begin; row < end; ++row)
          body(static_cast<std::uint32_t>(row), worker);
      }
    } catch (...) {
      failure.capture();
    }
  };
  std::vector<std::jthread> others;
  for (unsigned worker = 1; worker < worker_count(rows, threads); ++worker)
    others.emplace_back(work, worker);
  work(0);
  others.clear();
  failure.rethrow();
}

}  // namespace bitloom
