// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/memory_target.hpp"

#include <span>

namespace bitloom::sim {
namespace {

Picoseconds now() { return sc_core::sc_time_stamp().value(); }

// The transfer itself, at the time of the response: false when the bytes are not mapped.
bool transfer(AddressSpace& space, tlm::tlm_generic_payload& payload) {
  const std::span<std::uint8_t> data(payload.get_data_ptr(), payload.get_data_length());
  if (payload.is_read()) return space.read(payload.get_address(), data);
  if (payload.get_byte_enable_ptr() == nullptr) return space.write(payload.get_address(), data);
  return space.write(payload.get_address(), data,
                     {payload.get_byte_enable_ptr(), payload.get_byte_enable_length()});
}

}  // namespace

MemoryTarget::MemoryTarget(const sc_core::sc_module_name& name, Memory& timing, AddressSpace& space)
    : sc_module(name), timing_(timing), space_(space) {
  socket.register_nb_transport_fw(this, &MemoryTarget::request);
  SC_HAS_PROCESS(MemoryTarget);
  SC_METHOD(respond);
  sensitive << wake_;
  dont_initialize();
}

tlm::tlm_sync_enum MemoryTarget::request(int port, tlm::tlm_generic_payload& payload,
                                         tlm::tlm_phase& phase, sc_core::sc_time& delay) {
  if (phase != tlm::BEGIN_REQ) return tlm::TLM_ACCEPTED;
  if (!waiting_.empty() || !issue(port, payload, now() + delay.value())) {
    waiting_.push_back({port, &payload});
    return tlm::TLM_ACCEPTED;
  }
  schedule();
  phase = tlm::END_REQ;
  return tlm::TLM_UPDATED;
}

bool MemoryTarget::issue(int port, tlm::tlm_generic_payload& payload, Picoseconds time) {
  if (free_slots_.empty()) {
    free_slots_.push_back(open_.size());
    open_.emplace_back();
  }
  const std::uint64_t slot = free_slots_.back();
  const MemoryRequest request{.port = static_cast<std::uint32_t>(port),
                              .id = payload.get_extension<Burst>()->id,
                              .op = payload.is_read() ? MemoryOp::read : MemoryOp::write,
                              .address = payload.get_address(),
                              .bytes = payload.get_data_length(),
                              .tag = slot};
  if (!timing_.try_issue(request, time)) return false;
  open_[slot] = {port, &payload};
  free_slots_.pop_back();
  if (payload.is_read()) space_.prefetch(request.address, request.bytes);
  return true;
}

// Wakes one picosecond before an event and annotates the rest, so that an answer that is due on a
// clock edge reaches the port before the edge's process runs, whatever the kernel's order.
void MemoryTarget::schedule() {
  const Picoseconds next = timing_.next_event();
  if (next == kNever || next >= scheduled_) return;
  scheduled_ = next;
  const Picoseconds wake = next > now() + 1 ? next - 1 : now();
  wake_.cancel();
  wake_.notify(sc_core::sc_time::from_value(wake - now()));
}

void MemoryTarget::respond() {
  scheduled_ = kNever;
  due_.clear();
  timing_.completions(now() + 1, due_);
  for (const MemoryCompletion& completion : due_) finish(completion);
  retry();
  schedule();
}

void MemoryTarget::finish(const MemoryCompletion& completion) {
  const auto [port, payload] = open_[completion.tag];
  free_slots_.push_back(completion.tag);
  const bool done = completion.ok && transfer(space_, *payload);
  payload->set_response_status(done ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
  tlm::tlm_phase phase = tlm::BEGIN_RESP;
  const Picoseconds rest = completion.time > now() ? completion.time - now() : 0;
  sc_core::sc_time delay = sc_core::sc_time::from_value(rest);
  socket[port]->nb_transport_bw(*payload, phase, delay);
}

void MemoryTarget::retry() {
  while (!waiting_.empty() && issue(waiting_.front().port, *waiting_.front().payload, now())) {
    const auto [port, payload] = waiting_.front();
    waiting_.pop_front();
    tlm::tlm_phase phase = tlm::END_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket[port]->nb_transport_bw(*payload, phase, delay);
  }
}

}  // namespace bitloom::sim
