// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/axi_write.hpp"

#include "sim/tb/axi_rules.hpp"
#include "sim/tb/fault.hpp"

namespace bitloom::sim {

void AxiWrite::drive(Vbl_top& top, Picoseconds now) {
  address_ready_ = addressed_.size() < kMaxAddresses && !stall_();
  data_ready_ = !addressed_.empty() && !blocked_ && !stall_();
  top.mem_awready_i = address_ready_ ? 1 : 0;
  top.mem_wready_i = data_ready_ ? 1 : 0;
  if (response_valid_) return;  // a response that is offered stays until it is taken
  response_valid_ = !answered_.empty() && answered_.front()->due <= now && !stall_();
  top.mem_bvalid_i = response_valid_ ? 1 : 0;
  if (!response_valid_) return;
  top.mem_bid_i = static_cast<CData>(answered_.front()->id);
  top.mem_bresp_i = axi_response(answered_.front()->payload);
}

void AxiWrite::edge(const Vbl_top& top) {
  if (response_valid_ && top.mem_bready_o != 0) {
    response_valid_ = false;
    answered_.front()->payload.release();
    answered_.pop_front();
  }
  if (data_ready_ && top.mem_wvalid_o != 0) accept_beat(top);
  if (address_ready_ && top.mem_awvalid_o != 0) accept_address(top);
}

void AxiWrite::accept_address(const Vbl_top& top) {
  const AxiAddress request{top.mem_awaddr_o, top.mem_awlen_o, top.mem_awsize_o, top.mem_awburst_o};
  check_address("write", request, kBeatBytes);
  Burst& burst = pool_.acquire();
  burst.start(tlm::TLM_WRITE_COMMAND, top.mem_awid_o, request.address, request.beats(), kBeatBytes);
  addressed_.push_back(&burst);
}

void AxiWrite::accept_beat(const Vbl_top& top) {
  Burst& burst = *addressed_.front();
  const std::size_t offset = std::size_t{burst.next_beat} * kBeatBytes;
  get_beat(top.mem_wdata_o, &burst.data[offset]);
  Strobes strobes;
  get_strobes(top.mem_wstrb_o, strobes);
  for (std::uint32_t i = 0; i < kBeatBytes; ++i) {
    const bool enabled = ((strobes[i / 8] >> (i % 8)) & 1U) != 0;
    burst.enables[offset + i] = enabled ? TLM_BYTE_ENABLED : TLM_BYTE_DISABLED;
    burst.partial |= !enabled;
  }
  const bool last = ++burst.next_beat == burst.beats;
  if ((top.mem_wlast_o != 0) != last) throw Fault("the model's WLAST is not on the last beat");
  if (!last) return;
  if (burst.partial) {
    burst.payload.set_byte_enable_ptr(burst.enables.data());
    burst.payload.set_byte_enable_length(burst.payload.get_data_length());
  }
  addressed_.pop_front();
  ++bursts_;
  blocked_ = !issue_(burst);
}

}  // namespace bitloom::sim
