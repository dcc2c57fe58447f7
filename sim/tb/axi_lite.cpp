// SPDX-License-Identifier: Apache-2.0
#include "sim/tb/axi_lite.hpp"

namespace bitloom::sim {

void AxiLite::start_write(std::uint32_t address, std::uint32_t value) {
  address_ = address;
  value_ = value;
  due_ = {.write_address = true, .write_data = true, .write_response = true};
}

void AxiLite::start_read(std::uint32_t address) {
  address_ = address;
  due_ = {.read_address = true, .read_data = true};
}

void AxiLite::drive(Vbl_top& top) {
  if (idle_ && !due_.any()) return;
  idle_ = !due_.any();  // one more pass after an access withdraws everything
  offered_.write_address = offer(due_.write_address, offered_.write_address);
  offered_.write_data = offer(due_.write_data, offered_.write_data);
  offered_.read_address = offer(due_.read_address, offered_.read_address);
  offered_.write_response = due_.write_response && !stall_();
  offered_.read_data = due_.read_data && !stall_();
  set_ports(top);
}

void AxiLite::reset(Vbl_top& top) {
  due_ = offered_ = {};
  idle_ = true;
  set_ports(top);
}

void AxiLite::set_ports(Vbl_top& top) const {
  top.ctl_awvalid_i = offered_.write_address ? 1 : 0;
  top.ctl_wvalid_i = offered_.write_data ? 1 : 0;
  top.ctl_bready_i = offered_.write_response ? 1 : 0;
  top.ctl_arvalid_i = offered_.read_address ? 1 : 0;
  top.ctl_rready_i = offered_.read_data ? 1 : 0;
  top.ctl_awaddr_i = static_cast<SData>(address_);
  top.ctl_araddr_i = static_cast<SData>(address_);
  top.ctl_wdata_i = value_;
  top.ctl_wstrb_i = 0xF;
}

bool AxiLite::edge(const Vbl_top& top) {
  if (!due_.any()) return false;
  const auto transfer = [](bool& due, bool& offered, bool other_side) {
    if (!offered || !other_side) return false;
    due = offered = false;
    return true;
  };
  transfer(due_.write_address, offered_.write_address, top.ctl_awready_o != 0);
  transfer(due_.write_data, offered_.write_data, top.ctl_wready_o != 0);
  transfer(due_.read_address, offered_.read_address, top.ctl_arready_o != 0);
  if (transfer(due_.write_response, offered_.write_response, top.ctl_bvalid_o != 0))
    response_ = top.ctl_bresp_o;
  if (transfer(due_.read_data, offered_.read_data, top.ctl_rvalid_o != 0)) {
    response_ = top.ctl_rresp_o;
    value_ = top.ctl_rdata_o;
  }
  return !due_.any();
}

}  // namespace bitloom::sim
