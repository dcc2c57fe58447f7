// SPDX-License-Identifier: Apache-2.0
#include "kernels/platform/host_block.hpp"

#include <ucontext.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>

#include "kernels/engine.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace bitloom::kernels::cpu {
namespace {

constexpr unsigned kLanes = 32;
constexpr std::size_t kValueBytes = 32;
constexpr std::size_t kStackBytes = 256 * 1024;  // pages that a kernel does not touch cost nothing

thread_local HostBlock* running = nullptr;
thread_local Fiber* running_fiber = nullptr;
thread_local ucontext_t scheduler;

struct Copy {
  void* to;
  const void* from;
};

}  // namespace

struct Fiber {
  ucontext_t context{};
  std::unique_ptr<std::uint8_t[]> stack{new std::uint8_t[kStackBytes]};  // NOLINT
  bool done = false;
  std::vector<Copy> started;             // copies not yet in a group
  std::deque<std::vector<Copy>> groups;  // not yet complete
};

struct HostBlock::Rendezvous {
  const char* what = nullptr;
  unsigned arrived = 0;
  std::uint64_t generation = 0;
  // Of two meetings in turn: a lane may give its next value while others still read the last.
  std::array<std::array<std::array<std::uint8_t, kValueBytes>, kLanes>, 2> values{};
};

namespace {

// Address sanitizer is told of every change of stack (sanitizer/common_interface_defs.h).
void leave_for(ucontext_t& from, const ucontext_t& to, const void* stack, std::size_t bytes,
               bool forever) {
#ifdef __SANITIZE_ADDRESS__
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(forever ? nullptr : &fake, stack, bytes);
  swapcontext(&from, &to);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
  static_cast<void>(stack);
  static_cast<void>(bytes);
  static_cast<void>(forever);
  swapcontext(&from, &to);
#endif
}

#ifdef __SANITIZE_ADDRESS__
thread_local const void* scheduler_stack = nullptr;
thread_local std::size_t scheduler_bytes = 0;
#endif

void to_scheduler(Fiber& fiber, bool forever) {
#ifdef __SANITIZE_ADDRESS__
  leave_for(fiber.context, scheduler, scheduler_stack, scheduler_bytes, forever);
#else
  leave_for(fiber.context, scheduler, nullptr, 0, forever);
#endif
}

void copy_all(const std::vector<Copy>& copies) {
  for (const Copy& copy : copies) std::memcpy(copy.to, copy.from, 16);
}

}  // namespace

HostBlock::HostBlock(unsigned threads, std::size_t shared_bytes)
    : meeting_places_(1 + threads / kLanes), shared_((shared_bytes + 15) / 16) {
  for (unsigned t = 0; t < threads; ++t) fibers_.push_back(std::make_unique<Fiber>());
}

HostBlock::~HostBlock() = default;

HostBlock& HostBlock::current() { return *running; }

std::uint8_t* HostBlock::shared() { return reinterpret_cast<std::uint8_t*>(shared_.data()); }

// The first function of every fiber.
void HostBlock::enter() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_bytes);
#endif
  (*running->kernel_)();
  running_fiber->done = true;
  ++running->meetings_;
  to_scheduler(*running_fiber, true);
}

void HostBlock::run(unsigned index, const std::function<void()>& kernel) {
  index_ = index;
  kernel_ = &kernel;
  quarrel_ = nullptr;
  running = this;
  std::fill(shared_.begin(), shared_.end(), Line{{0xA5}});
  for (Rendezvous& place : meeting_places_) place = Rendezvous{};
  for (const std::unique_ptr<Fiber>& fiber : fibers_) {
    fiber->done = false;
    fiber->started.clear();
    fiber->groups.clear();
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack.get();
    fiber->context.uc_stack.ss_size = kStackBytes;
    fiber->context.uc_link = nullptr;
    makecontext(&fiber->context, &HostBlock::enter, 0);
  }
  const unsigned last = threads() - 1;
  for (bool alive = true; alive;) {
    alive = false;
    const std::uint64_t before = meetings_;
    for (unsigned i = 0; i <= last; ++i) {
      thread_ = index % 2 == 0 ? i : last - i;
      running_fiber = fibers_[thread_].get();
      if (running_fiber->done) continue;
      alive = true;
      leave_for(scheduler, running_fiber->context, running_fiber->stack.get(), kStackBytes, false);
      if (quarrel_ != nullptr)
        throw Fault(std::string("threads of a block wait at different places, one at ") + quarrel_);
    }
    if (alive && meetings_ == before)
      throw Fault("threads of a block wait for others that have returned or wait elsewhere");
  }
}

void HostBlock::yield() { to_scheduler(*running_fiber, false); }

void HostBlock::meet(Rendezvous& at, const char* what, unsigned parties) {
  if (at.arrived == 0) at.what = what;
  if (std::strcmp(at.what, what) != 0) {
    quarrel_ = what;
    yield();  // and never again
  }
  ++at.arrived;
  if (at.arrived == parties) {
    at.arrived = 0;
    ++at.generation;
    ++meetings_;
    return;
  }
  const std::uint64_t generation = at.generation;
  while (at.generation == generation) yield();
}

void HostBlock::block_barrier() { meet(meeting_places_[0], "block_barrier", threads()); }

void HostBlock::exchange(const char* what, const void* value, std::size_t bytes) {
  Rendezvous& warp = meeting_places_[1 + thread_ / kLanes];
  if (bytes != 0)
    std::memcpy(warp.values[(warp.generation + 1) % 2][thread_ % kLanes].data(), value, bytes);
  meet(warp, what, kLanes);
}

const void* HostBlock::lane_value(unsigned lane) const {
  const Rendezvous& warp = meeting_places_[1 + thread_ / kLanes];
  return warp.values[warp.generation % 2][lane].data();
}

void HostBlock::copy_async(void* shared, const void* global) const {
  const Copy copy{shared, global};
  if (index_ % 2 == 0) copy_all({copy});
  running_fiber->started.push_back(copy);
}

void HostBlock::commit_copies() {
  running_fiber->groups.push_back(std::move(running_fiber->started));
  running_fiber->started.clear();
}

void HostBlock::wait_copies(unsigned pending) const {
  std::deque<std::vector<Copy>>& groups = running_fiber->groups;
  for (; groups.size() > pending; groups.pop_front())
    if (index_ % 2 != 0) copy_all(groups.front());
}

}  // namespace bitloom::kernels::cpu
