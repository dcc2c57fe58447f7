// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "host/checkpoints/inspect.hpp"
#include "host/checkpoints/writers.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "host/generation/precision.hpp"
#include "host/quantize/quantizing_checkpoint.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/folder_lock.hpp"
#include "sw/io/moments_file.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr unsigned kMostThreads = 1024;

po::options_description quantize_options() {
  po::options_description options(
      "bitloom quantize: the linear layers of a model, at several precisions at once");
  const auto text = [](const char* value) {
    return po::value<std::string>()->default_value(value);
  };
  options.add_options()  //
      ("model", po::value<std::string>()->required(),
       "unquantized checkpoint: Hugging Face folder, safetensors, GGUF or llama2.c file")  //
      ("out", po::value<std::string>()->required(),
       "file (bitloom) or folder (anybcq, anyprec) to write")  //
      ("format", text("bitloom"), kFormatHelp)                 //
      ("method", text("bcq"),
       "bcq, codebook, or rtn: levels at equal distances, rounding to nearest")  //
      ("bits", text("2-4"),
       "precisions that share planes: 2-4 or 2,3,4; 3 is 3 alone")               //
      ("group-size", text("128"), "columns per group: 32, 64, 128, 256 or row")  //
      ("symmetric", "bcq: no offsets")                                           //
      ("moments", po::value<std::string>(),
       "file of bitloom calibrate: what errors in the columns count")                 //
      ("layers", text("*"), "only layers whose names match this shell pattern")       //
      ("threads", text("0"), "0 = one per core; the result does not depend on them")  //
      ("json", "print JSON")                                                          //
      ("help", "print this text");
  return options;
}

[[noreturn]] void refuse(const char* option, const std::string& found, const char* expected) {
  throw Error(ErrorCode::usage, {option, "\"" + found + "\"", expected, "Choose one of these."});
}

// "2-4", "2,3,4" or "3".
PrecisionRange precisions_of(const std::string& text) {
  const std::vector<unsigned> list = parse_precisions("--bits", text);
  const auto [least, most] = std::minmax_element(list.begin(), list.end());
  if (*most > kMaxBits) refuse("--bits", text, "1 to 8 bits: 16 stands for unquantized weights");
  if (*most - *least + 1 != list.size())
    refuse("--bits", text, "precisions without a gap: each adds a plane to those before it");
  return {.seed = *least, .bits = *most};
}

Method method_of(const OptionValues& values) {
  const auto& method = values["method"].as<std::string>();
  if (method == "bcq") return Method::bcq;
  if (method == "codebook") return Method::codebook;
  if (method == "rtn") return Method::rtn;
  refuse("--method", method, "bcq, codebook or rtn");
}

Recipe recipe_of(const OptionValues& values) {
  Recipe recipe;
  recipe.method = method_of(values);
  recipe.precisions = precisions_of(values["bits"].as<std::string>());
  if (recipe.method == Method::rtn && recipe.precisions.first() != recipe.precisions.bits)
    refuse("--bits", values["bits"].as<std::string>(), "one precision: rtn has no planes to share");
  recipe.group_size = *group_size_of(values);
  recipe.offset = !values.contains("symmetric");
  if (!recipe.offset && recipe.method != Method::bcq)
    refuse("--symmetric", values["method"].as<std::string>(), "--method bcq");
  recipe.threads = static_cast<unsigned>(number_of(values, "threads", 0, kMostThreads));
  return recipe;
}

ColumnWeights column_weights_of(const OptionValues& values) {
  if (!values.contains("moments")) return [](const LinearLayer&) { return std::vector<double>(); };
  const auto& path = values["moments"].as<std::string>();
  if (values["method"].as<std::string>() == "rtn")
    refuse("--moments", path, "--method bcq or codebook: rtn weighs no columns");
  return [path](const LinearLayer& layer) { return read_moments(path, layer.name, layer.k); };
}

// Beside the output, and the same however the path of a folder ends: out, out/, out/.
fs::path work_folder(const fs::path& out) {
  const fs::path path = out.lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string() + ".partial";
}

void add_errors(CheckpointReport& report, const QuantizingCheckpoint& source) {
  for (LayerReport& layer : report.layers)
    for (const auto& [bits, error] : source.errors().at(layer.name))
      layer.precisions.at(bits).relative_error = error;
}

}  // namespace

int quantize_command(const Arguments& arguments) {
  const po::options_description description = quantize_options();
  const OptionValues values = parse_options("quantize", arguments, description);
  if (values.contains("help")) {
    std::cout << description;
    return kExitOk;
  }
  const auto text = [&values](const char* name) { return values[name].as<std::string>(); };
  const WriteCheckpoint write = writer_of(text("format"), text("out"), text("model"));
  const Recipe recipe = recipe_of(values);
  const fs::path out = text("out");
  const fs::path work = work_folder(out);
  const FolderLock alone(work);
  remove_stale_temporaries(out);
  remove_stale_temporaries(work);

  Progress progress("quantizing", "rows");
  std::size_t quantized = 0;  // layers; the others are of an interrupted run
  const QuantizingCheckpoint source(
      text("model"), text("layers"), recipe, column_weights_of(values), work,
      {.quantizing = [&quantized](std::uint32_t) { ++quantized; },
       .row_done = [&] { progress.advance(); },
       .note = [](const std::string& note) { std::cerr << "bitloom: note: " << note << "\n"; }});
  Selection selection;
  for (std::size_t i = 0; i < source.layers().size(); ++i) selection.layers.push_back(i);
  progress.expect(source.rows());
  const auto start = std::chrono::steady_clock::now();
  write(out, source, selection);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  source.forget();
  if (quantized < source.layers().size())
    std::cerr << fmt::format("bitloom: note: {} of {} layers are of an interrupted run\n",
                             source.layers().size() - quantized, source.layers().size());

  CheckpointReport report = inspect_checkpoint(out, "", {});
  add_errors(report, source);
  std::cout << (values.contains("json") ? report_json(report) : report_text(report));
  if (!values.contains("json"))
    std::cout << fmt::format("\n{:.1f} s, {:.2f} million weights/s\n", seconds,
                             static_cast<double>(source.weights()) / seconds / 1e6);
  return kExitOk;
}

}  // namespace bitloom
