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
  ready_ = !blocked() && !stall_();
  set_channel<1>(top.mem_arready_i, channel_, ready_ ? 1 : 0);
  if (valid_) return;  // a beat that is offered stays until it is taken
  if (streaming_ == nullptr && (streaming_ = due(now)) != nullptr) pop_due();
  valid_ = streaming_ != nullptr && !stall_();
  set_channel<1>(top.mem_rvalid_i, channel_, valid_ ? 1 : 0);
  if (!valid_) return;
  const Burst& burst = *streaming_;
  const unsigned resp = response(burst, burst.next_beat);
  const std::size_t offset = std::size_t{burst.next_beat} * kBeatBytes;
  set_channel<4>(top.mem_rid_i, channel_, burst.id);
  set_channel<2>(top.mem_rresp_i, channel_, resp);
  set_channel<1>(top.mem_rlast_i, channel_, burst.next_beat + 1 == burst.beats ? 1 : 0);
  put_beat(top.mem_rdata_i, channel_, resp == kOkay ? burst.data.data() + offset : kNoData.data());
}

void AxiRead::edge(const Vbl_top& top) {
  if (valid_ && get_channel<1>(top.mem_rready_o, channel_) != 0) {
    valid_ = false;
    if (++streaming_->next_beat == streaming_->beats) {
      streaming_->release();
      streaming_ = nullptr;
    }
  }
  if (!ready_ || get_channel<1>(top.mem_arvalid_o, channel_) == 0) return;
  issue(open(tlm::TLM_READ_COMMAND,
             {.id = static_cast<std::uint32_t>(get_channel<4>(top.mem_arid_o, channel_)),
              .address = get_channel<64>(top.mem_araddr_o, channel_),
              .length = static_cast<std::uint32_t>(get_channel<8>(top.mem_arlen_o, channel_)),
              .size = static_cast<std::uint32_t>(get_channel<3>(top.mem_arsize_o, channel_)),
              .burst = static_cast<std::uint32_t>(get_channel<2>(top.mem_arburst_o, channel_))}));
}

void AxiRead::reset(Vbl_top& top) {
  drop_answers();
  if (streaming_ != nullptr) streaming_->release();
  streaming_ = nullptr;
  ready_ = valid_ = false;
  set_channel<1>(top.mem_arready_i, channel_, 0);
  set_channel<1>(top.mem_rvalid_i, channel_, 0);
}

}  // namespace bitloom::sim
