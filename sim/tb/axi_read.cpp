// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/axi_read.hpp"

#include <array>

namespace bitloom::sim {
namespace {

// Data that no memory sent; as numbers, small ones.
constexpr std::array<std::uint8_t, kBeatBytes> kNoData = [] {
  std::array<std::uint8_t, kBeatBytes> bytes{};
  bytes.fill(0xA5);
  return bytes;
}();

}  // namespace

void AxiRead::drive(Vbl_top& top, Picoseconds now) {
  ready_ = !blocked() && !stall();
  set_channel<1>(top.mem_arready_i, number(), ready_ ? 1 : 0);
  if (valid_) return;  // a beat that is offered stays until it is taken
  if (streaming_ == nullptr && (streaming_ = take_due(now)) != nullptr) {
    next_data_ = streaming_->data.data();
    next_beat_ = 0;
    last_beat_ = streaming_->beats - 1;
    set_channel<4>(top.mem_rid_i, number(), streaming_->id);
  }
  valid_ = streaming_ != nullptr && !stall();
  set_channel<1>(top.mem_rvalid_i, number(), valid_ ? 1 : 0);
  if (!valid_) return;
  const unsigned resp = response(*streaming_, next_beat_);
  set_channel<2>(top.mem_rresp_i, number(), resp);
  set_channel<1>(top.mem_rlast_i, number(), next_beat_ == last_beat_ ? 1 : 0);
  put_beat(top.mem_rdata_i, number(), resp == kOkay ? next_data_ : kNoData.data());
}

void AxiRead::edge(const Vbl_top& top) {
  if (valid_ && get_channel<1>(top.mem_rready_o, number()) != 0) {
    valid_ = false;
    next_data_ += kBeatBytes;
    if (next_beat_++ == last_beat_) {
      streaming_->release();
      streaming_ = nullptr;
    }
  }
  if (!ready_ || get_channel<1>(top.mem_arvalid_o, number()) == 0) return;
  issue(open(tlm::TLM_READ_COMMAND,
             {.id = static_cast<std::uint32_t>(get_channel<4>(top.mem_arid_o, number())),
              .address = get_channel<64>(top.mem_araddr_o, number()),
              .length = static_cast<std::uint32_t>(get_channel<8>(top.mem_arlen_o, number())),
              .size = static_cast<std::uint32_t>(get_channel<3>(top.mem_arsize_o, number())),
              .burst = static_cast<std::uint32_t>(get_channel<2>(top.mem_arburst_o, number()))}));
}

void AxiRead::reset(Vbl_top& top) {
  drop_answers();
  if (streaming_ != nullptr) streaming_->release();
  streaming_ = nullptr;
  ready_ = valid_ = false;
  set_channel<1>(top.mem_arready_i, number(), 0);
  set_channel<1>(top.mem_rvalid_i, number(), 0);
}

}  // namespace bitloom::sim
