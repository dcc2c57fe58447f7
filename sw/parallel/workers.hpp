// SPDX-License-Identifier: Apache-2.0
// The one place that starts threads for a computation, because an exception that leaves a thread
// ends the process.
#pragma once

#include <exception>
#include <thread>
#include <vector>

namespace bitloom {

/// Calls work(0), ..., work(count - 1) at the same time, the first on the caller's thread, and
/// returns when all have returned. Then an exception of the lowest worker that threw is thrown
/// again. count >= 1.
template <class Work>
void run_workers(unsigned count, const Work& work) {
  std::vector<std::exception_ptr> failures(count);
  const auto guarded = [&](unsigned worker) {
    try {
      work(worker);
    } catch (...) {
      failures[worker] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (unsigned worker = 1; worker < count; ++worker) others.emplace_back(guarded, worker);
    guarded(0);
  }  // joins
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace bitloom
