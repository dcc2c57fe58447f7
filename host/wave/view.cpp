// SPDX-License-Identifier: Apache-2.0
#include "host/wave/view.hpp"

#include <fmt/format.h>

#include <span>

#include "sw/device/device.hpp"
#include "sw/io/file.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;

// GTKWave's display flags: binary, hexadecimal, or hexadecimal through a file of names, each right
// justified; and a comment line.
constexpr const char* kBinary = "@28";
constexpr const char* kHexadecimal = "@22";
constexpr const char* kNamed = "@2022";
constexpr const char* kComment = "@200";

void write_text(const fs::path& path, const std::string& text) {
  OutputFile file(path);
  file.write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  file.commit();
}

std::string cause_names() {
  std::string text;
  for (std::size_t i = 0; i < kCauseNames.size(); ++i)
    text += fmt::format("{:x} {}\n", i, kCauseNames.at(i));
  return text;
}

std::string signal_lines(const ViewSignal& signal, const fs::path& names) {
  std::string text = signal.width == 1 ? kBinary : kHexadecimal;
  if (signal.is_cause) text = fmt::format("{}\n^1 {}", kNamed, names.string());
  text += "\nbl_top.bl_top." + signal.name;
  if (signal.width > 1) text += fmt::format("[{}:0]", signal.width - 1);
  return text + "\n";
}

}  // namespace

const std::vector<ViewGroup>& wave_view() {
  static const std::vector<ViewGroup> view = {
      {"clock", {{"clk_i"}, {"rst_ni"}, {"irq_o"}}},
      {"ctrl",
       {{"ctl_awvalid_i"},
        {"ctl_awaddr_i", 12},
        {"ctl_wdata_i", 32},
        {"job_valid"},
        {"job_ready"},
        {"job_bits", 4},
        {"done_valid"},
        {"record_valid"},
        {"record_done"},
        {"cause", 3, true}}},
      {"dma: reads",
       {{"mem_arvalid_o"},
        {"mem_arready_i"},
        {"mem_arid_o", 4},
        {"mem_araddr_o", 64},
        {"mem_arlen_o", 8},
        {"mem_rvalid_i"},
        {"mem_rid_i", 4},
        {"mem_rlast_i"},
        {"read_valid", 4},
        {"read_ready", 4}}},
      {"align",
       {{"u_engine.act_valid_i"},
        {"u_engine.act_ready_o"},
        {"u_engine.slice_valid"},
        {"u_engine.group_written"}}},
      {"lut",
       {{"u_engine.buffer_read"},
        {"u_engine.table_valid"},
        {"u_engine.slot_free"},
        {"u_engine.group_valid"},
        {"u_engine.group_pop"},
        {"u_engine.group_exponent", 5}}},
      {"plane",
       {{"u_engine.weight_valid_i"},
        {"u_engine.weight_ready_o"},
        {"u_engine.plane_valid"},
        {"u_engine.plane_ready"}}},
      {"pe",
       {{"u_engine.pass_valid"},
        {"u_engine.pass_first"},
        {"u_engine.pass_last"},
        {"u_engine.plane_last"},
        {"u_engine.tile_last"},
        {"u_engine.job_last"}}},
      {"scale", {{"u_engine.scale_valid_i"}, {"u_engine.scale_ready_o"}, {"u_engine.sums_pop"}}},
      {"accum and norm",
       {{"u_engine.tile_drained"},
        {"result_valid"},
        {"result_ready"},
        {"result_data", 32},
        {"result_nan"}}},
      {"dma: writes",
       {{"mem_awvalid_o"},
        {"mem_awready_i"},
        {"mem_awid_o", 4},
        {"mem_awaddr_o", 64},
        {"mem_wvalid_o"},
        {"mem_wready_i"},
        {"mem_wlast_o"},
        {"mem_bvalid_i"},
        {"mem_bid_i", 4}}},
  };
  return view;
}

fs::path write_wave_view(const fs::path& wave) {
  const fs::path absolute = fs::absolute(wave);
  const fs::path names = fs::path(absolute).replace_filename("causes.txt");
  const fs::path save = fs::path(absolute).replace_extension(".gtkw");
  std::string text = fmt::format("[dumpfile] \"{}\"\n", absolute.string());
  for (const ViewGroup& group : wave_view()) {
    text += fmt::format("{}\n-{}\n", kComment, group.unit);
    for (const ViewSignal& signal : group.signals) text += signal_lines(signal, names);
  }
  write_text(names, cause_names());
  write_text(save, text);
  return fs::path(wave).replace_extension(".gtkw");
}

}  // namespace bitloom
