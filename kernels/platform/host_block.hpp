// SPDX-License-Identifier: Apache-2.0
// One block of GPU threads on the host: every thread is a fiber of the calling thread, and runs
// until it waits for others.
//
// What a GPU leaves open is made to differ from block to block, so that a kernel that relies on it
// fails: threads run in ascending order in even blocks and in descending order in odd ones, and an
// asynchronous copy happens when it is started in even blocks and when it is waited for in odd
// ones.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace bitloom::kernels::cpu {

struct Fiber;

class HostBlock {
 public:
  /// threads: a multiple of 32.
  HostBlock(unsigned threads, std::size_t shared_bytes);
  HostBlock(const HostBlock&) = delete;
  HostBlock& operator=(const HostBlock&) = delete;
  ~HostBlock();

  /// Runs kernel() once per thread. Shared memory starts with a pattern. Throws Fault where the
  /// threads part: they wait at different places, or for threads that have returned.
  void run(unsigned index, const std::function<void()>& kernel);

  /// The block whose fiber is running on this thread.
  static HostBlock& current();

  [[nodiscard]] unsigned index() const { return index_; }
  [[nodiscard]] unsigned thread() const { return thread_; }
  [[nodiscard]] unsigned threads() const { return static_cast<unsigned>(fibers_.size()); }
  [[nodiscard]] std::uint8_t* shared();

  void block_barrier();

  /// All lanes of the warp come here with a value of at most 32 bytes, which lane_value() then
  /// gives to each of them until it comes here again. `what` has to be the same in all lanes.
  void exchange(const char* what, const void* value, std::size_t bytes);
  [[nodiscard]] const void* lane_value(unsigned lane) const;

  void copy_async(void* shared, const void* global) const;
  void commit_copies();
  void wait_copies(unsigned pending) const;

 private:
  struct Rendezvous;  // where the threads of a warp, or all of a block, wait for each other
  void meet(Rendezvous& at, const char* what, unsigned parties);
  void yield();
  static void enter();

  unsigned index_ = 0;
  unsigned thread_ = 0;
  const std::function<void()>* kernel_ = nullptr;
  std::uint64_t meetings_ = 0;  // completed so far, with the threads that have returned: progress
  const char* quarrel_ = nullptr;  // what a thread found others not to wait for
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Rendezvous> meeting_places_;  // the block's, then one per warp
  struct alignas(16) Line {
    std::array<std::uint8_t, 16> bytes;
  };
  std::vector<Line> shared_;
};

}  // namespace bitloom::kernels::cpu
