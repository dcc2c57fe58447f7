// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/accelerator.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace bitloom::sim {
namespace {

sc_core::sc_time clock_period(std::uint32_t mhz) {
  // Rounded to the picosecond: time is an integer everywhere.
  return sc_core::sc_time::from_value((std::uint64_t{1'000'000} + mhz / 2) / mhz);
}

// Cycles that run before the kernel gets its turn, however long nothing else is due.
constexpr std::uint64_t kQuantumCycles = 1000;

}  // namespace

Accelerator::Accelerator(const sc_core::sc_module_name& name, const SystemSettings& settings,
                         const Observation& observation)
    : sc_module(name),
      AxiPorts(StallSource(settings.stall_percent, settings.seed)),
      period_(clock_period(settings.clock_mhz)),
      top_(std::make_unique<Vbl_top>(&context_, "TOP")),
      observer_(context_, *top_, observation),
      write_(kReadChannels, *this),
      control_(stall) {
  for (unsigned channel = 0; channel < kReadChannels; ++channel)
    reads_.emplace_back(channel, static_cast<AxiPorts&>(*this));
  for (unsigned number = 0; number < kPorts; ++number)
    sockets_[number].register_nb_transport_bw(this, &Accelerator::answer, static_cast<int>(number));
  reset_ports();
  SC_HAS_PROCESS(Accelerator);
  SC_METHOD(tick);
}

// One process runs what both edges of a clock signal would, and goes on ahead of the kernel's time
// for as long as no other process is due before the next edge (temporal decoupling, IEEE 1666-2011,
// 12.1): a turn of the kernel costs as much as a unit of the machine. What it notifies or sends
// meanwhile carries the time by which it is ahead.
void Accelerator::tick() {
  now_ = sc_core::sc_time_stamp().value();
  const Picoseconds end = now_ + kQuantumCycles * period_.value();
  Picoseconds due = 0;  // when another process is, as far as that is known
  moved_ = true;
  try {
    for (;;) {
      step();
      if (std::exchange(moved_, false)) due = next_activity();
      if (now_ + period_.value() >= std::min(due, end)) break;
      now_ += period_.value();
    }
    next_trigger(ahead() + period_);
  } catch (...) {  // no further edge
    stopped_ = std::current_exception();
    notify(access_ended_);
    notify(interrupted_);
    notify(restarted_);
  }
}

Picoseconds Accelerator::next_activity() {
  return (sc_core::sc_time_stamp() + sc_core::sc_time_to_pending_activity()).value();
}

sc_core::sc_time Accelerator::ahead() const {
  return sc_core::sc_time::from_value(now_ - sc_core::sc_time_stamp().value());
}

void Accelerator::notify(sc_core::sc_event& event) {
  event.notify(ahead());
  moved_ = true;
}

// In a waveform cycle c begins at c periods and has its rising edge in the middle.
void Accelerator::step() {
  Vbl_top& top = *top_;
  const Picoseconds time = now_;
  if (cycle_ == reset_at_) begin_reset();
  if (in_reset_ && cycle_ >= reset_end_ && drained()) end_reset();
  // AXI: the first valid comes in the second cycle out of reset.
  const bool running = !in_reset_ && top.rst_ni != 0;
  context_.time(time);  // for the messages of assertions
  observer_.begin_cycle(cycle_);
  top.rst_ni = in_reset_ ? 0 : 1;
  if (running) {
    for (AxiRead& read : reads_) read.drive(top, time);
    write_.drive(top, time);
    control_.drive(top);
  }
  top.clk_i = 0;
  top.eval();
  observer_.sample(time);
  if (running) {
    for (AxiRead& read : reads_) read.edge(top);
    write_.edge(top);
    if (control_.edge(top)) notify(access_ended_);
  }
  top.clk_i = 1;
  top.eval();
  observer_.sample(time + period_.value() / 2);
  ++cycle_;
  if (!failed_assertion().empty()) throw Fault(failed_assertion());
  const bool interrupt = top.irq_o != 0;
  if (interrupt && !interrupt_) notify(interrupted_);
  interrupt_ = interrupt;
}

void Accelerator::reset_ports() {
  for (AxiRead& read : reads_) read.reset(*top_);
  write_.reset(*top_);
  control_.reset(*top_);
}

void Accelerator::begin_reset() {
  reset_ports();
  in_reset_ = was_reset_ = true;
  reset_at_ = kNoCycle;
  reset_end_ = cycle_ + kResetCycles;
  notify(access_ended_);
  notify(interrupted_);
}

void Accelerator::end_reset() {
  in_reset_ = false;
  for (AxiRead& read : reads_) read.end_reset();
  write_.end_reset();
  notify(restarted_);
}

bool Accelerator::drained() const {
  return write_.drained() && std::all_of(reads_.begin(), reads_.end(),
                                         [](const AxiRead& read) { return read.drained(); });
}

void Accelerator::wait_restart(std::uint64_t cycles) {
  if (in_reset_) sc_core::wait(period_ * static_cast<double>(cycles), restarted_);
  was_reset_ = false;
  check();
  if (in_reset_) throw Fault("the memory did not answer the bursts that a reset cut off");
}

void Accelerator::inject(const std::vector<ErrorResponse>& errors) {
  std::array<std::vector<ErrorResponse>, kPorts> by_port;
  for (const ErrorResponse& error : errors)
    by_port.at(std::min(error.channel, kReadChannels)).push_back(error);
  for (unsigned channel = 0; channel < kReadChannels; ++channel)
    reads_[channel].inject(std::move(by_port[channel]));
  write_.inject(std::move(by_port[kReadChannels]));
}

AxiPort& Accelerator::port(int number) {
  const auto index = static_cast<std::size_t>(number);
  if (index < reads_.size()) return reads_[index];
  return write_;
}

std::uint64_t Accelerator::memory_bursts() const {
  std::uint64_t bursts = write_.bursts();
  for (const AxiRead& read : reads_) bursts += read.bursts();
  return bursts;
}

bool Accelerator::issue(unsigned port, Burst& burst) {
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay = ahead();
  moved_ = true;
  return sockets_[port]->nb_transport_fw(burst, phase, delay) == tlm::TLM_UPDATED &&
         phase == tlm::END_REQ;
}

tlm::tlm_sync_enum Accelerator::answer(int number, tlm::tlm_generic_payload& payload,
                                       tlm::tlm_phase& phase, sc_core::sc_time& delay) {
  AxiPort& of = port(number);
  // A BEGIN_RESP that comes first implies the end of the request.
  if (phase == tlm::END_REQ || phase == tlm::BEGIN_RESP) of.resume();
  if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
  Burst& burst = static_cast<Burst&>(payload);  // ours
  burst.due = sc_core::sc_time_stamp().value() + delay.value();
  of.answered(burst);
  phase = tlm::END_RESP;
  return tlm::TLM_COMPLETED;
}

void Accelerator::check() const {
  if (stopped_) std::rethrow_exception(stopped_);
  if (was_reset_) throw MachineReset();
}

void Accelerator::write_register(std::uint32_t address, std::uint32_t value) {
  check();
  control_.start_write(address, value);
  access_registers();
}

std::uint32_t Accelerator::read_register(std::uint32_t address) {
  check();
  control_.start_read(address);
  access_registers();
  return control_.value();
}

void Accelerator::access_registers() {
  // Far more than any backpressure of a test can cost.
  constexpr double kLimitCycles = 10'000;
  const sc_core::sc_time start = sc_core::sc_time_stamp();
  sc_core::wait(period_ * kLimitCycles, access_ended_);
  check();
  if (sc_core::sc_time_stamp() - start >= period_ * kLimitCycles)
    throw Fault("the control port did not answer a register access");
  if (!control_.okay()) throw Fault("the control port answered a register access with an error");
}

void Accelerator::wait_interrupt(std::uint64_t cycles) {
  check();
  if (!interrupt_) sc_core::wait(period_ * static_cast<double>(cycles), interrupted_);
  check();
}

}  // namespace bitloom::sim
