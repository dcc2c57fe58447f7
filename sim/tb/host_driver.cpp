// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/host_driver.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "gen/descriptor.hpp"
#include "gen/registers.hpp"
#include "sim/model/model.hpp"

namespace bitloom::sim {
namespace {

// A machine that has all weights it needs asks for nothing while it works through its buffer: at
// most 4 passes of narrow groups for each of a codebook's planes, which are a quarter of its
// rounds, and the rows of a pass take turns at a multiplier.
constexpr std::uint64_t kBufferedCycles =
    std::uint64_t{BITLOOM_WEIGHT_BUFFER_BEATS} * 4 * 4 * BITLOOM_ROWS_PER_SCALE;

constexpr std::uint64_t kCompletionAddress =
    HostDriver::kRingAddress + HostDriver::kRingEntries * kRecordBytes;

std::uint64_t slot_offset(std::uint32_t position) {
  return std::uint64_t{position % HostDriver::kRingEntries} * kRecordBytes;
}

}  // namespace

HostDriver::HostDriver(const sc_core::sc_module_name& name, Accelerator& machine,
                       AddressSpace& space, std::uint64_t memory_latency_cycles)
    : sc_module(name),
      machine_(machine),
      space_(space),
      latency_(memory_latency_cycles),
      silence_limit_(memory_latency_cycles + kBufferedCycles + 2 * kPollCycles) {
  space_.map(kRingAddress, 2 * std::uint64_t{kRingEntries} * kRecordBytes);
  SC_HAS_PROCESS(HostDriver);
  SC_THREAD(thread);
}

bool HostDriver::run(std::span<const Record> descriptors, const Callbacks& callbacks,
                     std::uint64_t reset_after) {
  if (failure_) std::rethrow_exception(failure_);
  descriptors_ = descriptors;
  callbacks_ = &callbacks;
  reset_after_ = reset_after;
  cut_off_ = false;
  pending_ = true;
  start_.notify(sc_core::SC_ZERO_TIME);
  sc_core::sc_start();
  if (failure_) std::rethrow_exception(failure_);
  return !cut_off_;
}

void HostDriver::thread() {
  for (;;) {
    while (!pending_) sc_core::wait(start_);
    pending_ = false;
    try {
      if (!execute()) restart();
    } catch (const std::exception&) {
      failure_ = std::current_exception();
    }
    sc_core::sc_pause();
  }
}

// False when a reset has cut the run off. Nothing is awaited while an exception is being handled:
// the threads of SystemC share the run-time's record of those.
bool HostDriver::execute() {
  try {
    complete_all();
    return true;
  } catch (const MachineReset&) {
    return false;
  }
}

void HostDriver::complete_all() {
  if (reset_after_ != Accelerator::kNoCycle) machine_.reset_at(machine_.cycle() + reset_after_);
  if (!up_) bring_up();
  submitted_ = completed_ = 0;
  last_activity_ = last_completion_ = machine_.cycle();
  while (completed_ < descriptors_.size()) {
    submit();
    machine_.wait_interrupt(kPollCycles);
    collect();
    watch();
  }
  machine_.reset_at(Accelerator::kNoCycle);
}

// The machine has forgotten everything: its registers, and how far it was in the ring.
void HostDriver::restart() {
  cut_off_ = true;
  up_ = false;
  ring_position_ = 0;
  machine_.wait_restart(silence_limit_);
}

void HostDriver::bring_up() {
  constexpr std::uint32_t kInterfaceRevision = kRegInterfaceRevisionReset;
  const auto expect = [this](const char* what, std::uint32_t address, std::uint32_t value) {
    const std::uint32_t found = machine_.read_register(address);
    if (found != value)
      throw Fault("the register " + std::string(what) + " reads " + std::to_string(found) +
                  " instead of " + std::to_string(value));
  };
  const auto write_wide = [this](std::uint32_t address, std::uint64_t value) {
    machine_.write_register(address, static_cast<std::uint32_t>(value));
    machine_.write_register(address + 4, static_cast<std::uint32_t>(value >> 32));
  };
  expect("id", kRegIdAddress, kRegIdReset);
  expect("interface_revision", kRegInterfaceRevisionAddress, kInterfaceRevision);
  write_wide(kRegRingBaseAddress, kRingAddress);
  write_wide(kRegCompletionBaseAddress, kCompletionAddress);
  machine_.write_register(kRegRingMaskAddress, kRingEntries - 1);
  machine_.write_register(kRegIrqEnableAddress, 1U << kRegIrqEnableDoneBit);
  machine_.write_register(kRegControlAddress, 1U << kRegControlEnableBit);
  up_ = true;
}

void HostDriver::submit() {
  const std::size_t before = submitted_;
  while (submitted_ < descriptors_.size() && submitted_ - completed_ < kRingEntries) {
    space_.write(kRingAddress + slot_offset(ring_position_++), descriptors_[submitted_++]);
  }
  if (submitted_ != before) machine_.write_register(kRegDoorbellAddress, ring_position_);
}

void HostDriver::collect() {
  // Cleared before `completed` is read: a completion in between raises the interrupt again.
  machine_.write_register(kRegIrqStatusAddress, 1U << kRegIrqStatusDoneBit);
  const std::uint32_t first_pending =
      ring_position_ - static_cast<std::uint32_t>(submitted_ - completed_);
  const std::uint32_t fresh = machine_.read_register(kRegCompletedAddress) - first_pending;
  if (fresh > submitted_ - completed_)
    throw Fault("the machine completed more descriptors than were submitted");
  for (std::uint32_t i = 0; i < fresh; ++i) {
    Record record;
    (void)space_.read(kCompletionAddress + slot_offset(first_pending + i), record);
    ++completed_;
    callbacks_->completion(record);
  }
  if (fresh != 0) last_activity_ = last_completion_ = machine_.cycle();
}

void HostDriver::watch() {
  if (machine_.memory_bursts() != last_bursts_) {
    last_bursts_ = machine_.memory_bursts();
    last_activity_ = machine_.cycle();
  }
  if (machine_.cycle() - last_activity_ > silence_limit_)
    throw Fault("no completion and no memory burst for " +
                std::to_string(machine_.cycle() - last_activity_) + " cycles, at cycle " +
                std::to_string(machine_.cycle()) + ", with " +
                std::to_string(submitted_ - completed_) + " descriptors under way");
  const std::uint64_t working = machine_.cycle() - last_completion_;
  if (completed_ < descriptors_.size() &&
      static_cast<double>(working) > work_limit(descriptors_[completed_]))
    throw Fault("the machine is at work on one descriptor for " + std::to_string(working) +
                " cycles, at cycle " + std::to_string(machine_.cycle()) +
                ": many times more than its passes and beats take");
  callbacks_->progress();
}

// Cycles, generously: each pass, each result, each slice of activations and each beat may take
// `kSlack` cycles, which covers the heaviest backpressure, and each beat may wait for the memory on
// its own. In floating point, because the fields of a descriptor may hold anything.
double HostDriver::work_limit(const Record& descriptor) const {
  constexpr double kSlack = 16;
  constexpr double kMaxGroup = 256;  // and what a row is padded to when it is one group
  const auto field = [&](FieldPosition position) {
    return static_cast<double>(get_field(descriptor, position));
  };
  const double group = field(kDescriptorGroupSize) == 0 ? kMaxGroup : field(kDescriptorGroupSize);
  const double rows = field(kDescriptorM) + BITLOOM_ROWS;  // whole tiles
  const double columns = field(kDescriptorK) + std::max(kMaxGroup, group) + BITLOOM_COLUMNS;
  const double tokens = std::max(1.0, field(kDescriptorTokens));
  const double bits = std::max(1.0, field(kDescriptorBits));
  const double rounds = field(kDescriptorCodebook) == 0 ? bits : std::exp2(bits);

  // A pass works on the columns of one group, and its sums take turns at a multiplier.
  const double passes =
      rows / BITLOOM_ROWS * (columns / std::min(double{BITLOOM_COLUMNS}, group)) * rounds;
  const double results = rows * tokens;
  const double slices = 2 * tokens * columns / BITLOOM_COLUMNS;  // activations may be read twice
  const double cycles = passes * BITLOOM_ROWS_PER_SCALE + results + slices;

  const double weights = rows * columns * bits / 8;
  const double scales = rows * (columns / group + 1) * (rounds + 1) * 2;
  const double beats =
      (weights + scales + 4 * tokens * columns + 4 * results) / kBeatBytes + kReadChannels;
  return static_cast<double>(silence_limit_) + kSlack * cycles +
         beats * (kSlack + static_cast<double>(latency_));
}

}  // namespace bitloom::sim
