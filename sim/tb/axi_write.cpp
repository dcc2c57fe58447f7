// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/axi_write.hpp"

#include <cstring>

#include "sim/tb/fault.hpp"

namespace bitloom::sim {
namespace {

// Marks the bytes of a beat that are not to be written. All enabled is the rule, and costs nothing.
void take_strobes(Burst& burst, std::size_t offset, const Strobes& strobes) {
  bool full = true;
  for (const std::uint8_t byte : strobes) full &= byte == 0xFF;
  if (full) return;
  if (!burst.partial) {
    const std::uint32_t bytes = burst.get_data_length();
    burst.partial = true;
    burst.enables.reserve(bytes);
    std::memset(burst.enables.data(), TLM_BYTE_ENABLED, bytes);
    burst.set_byte_enable_ptr(burst.enables.data());
    burst.set_byte_enable_length(bytes);
  }
  for (std::uint32_t i = 0; i < kBeatBytes; ++i)
    if (((strobes[i / 8] >> (i % 8)) & 1U) == 0)
      burst.enables.data()[offset + i] = TLM_BYTE_DISABLED;
}

}  // namespace

void AxiWrite::drive(Vbl_top& top, Picoseconds now) {
  address_ready_ = addressed_.size() < kMaxAddresses && !stall_();
  data_ready_ = !addressed_.empty() && !blocked() && !stall_();
  top.mem_awready_i = address_ready_ ? 1 : 0;
  top.mem_wready_i = data_ready_ ? 1 : 0;
  if (answering_ != nullptr) return;  // a response that is offered stays until it is taken
  answering_ = due(now);
  if (answering_ != nullptr && stall_()) answering_ = nullptr;
  top.mem_bvalid_i = answering_ != nullptr ? 1 : 0;
  if (answering_ == nullptr) return;
  top.mem_bid_i = static_cast<CData>(answering_->id);
  top.mem_bresp_i = static_cast<CData>(response(*answering_, 0));
}

void AxiWrite::edge(const Vbl_top& top) {
  if (answering_ != nullptr && top.mem_bready_o != 0) {
    pop_due();
    answering_->release();
    answering_ = nullptr;
  }
  if (data_ready_ && top.mem_wvalid_o != 0) accept_beat(top);
  if (address_ready_ && top.mem_awvalid_o != 0)
    addressed_.push_back(&open(tlm::TLM_WRITE_COMMAND, {.id = top.mem_awid_o,
                                                        .address = top.mem_awaddr_o,
                                                        .length = top.mem_awlen_o,
                                                        .size = top.mem_awsize_o,
                                                        .burst = top.mem_awburst_o}));
}

void AxiWrite::reset(Vbl_top& top) {
  drop_answers();  // the one on offer among them
  for (Burst* burst : addressed_) burst->release();
  addressed_.clear();
  answering_ = nullptr;
  address_ready_ = data_ready_ = false;
  top.mem_awready_i = 0;
  top.mem_wready_i = 0;
  top.mem_bvalid_i = 0;
}

void AxiWrite::accept_beat(const Vbl_top& top) {
  Burst& burst = *addressed_.front();
  const std::size_t offset = std::size_t{burst.next_beat} * kBeatBytes;
  get_beat(top.mem_wdata_o, burst.data.data() + offset);
  Strobes strobes;
  get_strobes(top.mem_wstrb_o, strobes);
  take_strobes(burst, offset, strobes);
  const bool last = ++burst.next_beat == burst.beats;
  if ((top.mem_wlast_o != 0) != last) throw Fault("the model's WLAST is not on the last beat");
  if (!last) return;
  addressed_.pop_front();
  issue(burst);
}

}  // namespace bitloom::sim
