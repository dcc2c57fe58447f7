// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/axi_read.hpp"

#include "sim/tb/axi_rules.hpp"

namespace bitloom::sim {

void AxiRead::drive(Vbl_top& top, Picoseconds now) {
  ready_ = !blocked_ && !stall_();
  top.mem_arready_i = ready_ ? 1 : 0;
  if (valid_) return;  // a beat that is offered stays until it is taken
  if (streaming_ == nullptr && !answered_.empty() && answered_.front()->due <= now) {
    streaming_ = answered_.front();
    answered_.pop_front();
  }
  valid_ = streaming_ != nullptr && !stall_();
  top.mem_rvalid_i = valid_ ? 1 : 0;
  if (!valid_) return;
  const Burst& burst = *streaming_;
  top.mem_rid_i = static_cast<CData>(burst.id);
  top.mem_rresp_i = axi_response(burst.payload);
  top.mem_rlast_i = burst.next_beat + 1 == burst.beats ? 1 : 0;
  put_beat(top.mem_rdata_i, &burst.data[std::size_t{burst.next_beat} * kBeatBytes]);
}

void AxiRead::edge(const Vbl_top& top) {
  if (valid_ && top.mem_rready_o != 0) {
    valid_ = false;
    if (++streaming_->next_beat == streaming_->beats) {
      streaming_->payload.release();
      streaming_ = nullptr;
    }
  }
  if (ready_ && top.mem_arvalid_o != 0) accept(top);
}

void AxiRead::accept(const Vbl_top& top) {
  const AxiAddress request{top.mem_araddr_o, top.mem_arlen_o, top.mem_arsize_o, top.mem_arburst_o};
  check_address("read", request, kBeatBytes);
  Burst& burst = pool_.acquire();
  burst.start(tlm::TLM_READ_COMMAND, top.mem_arid_o, request.address, request.beats(), kBeatBytes);
  ++bursts_;
  blocked_ = !issue_(burst);
}

}  // namespace bitloom::sim
