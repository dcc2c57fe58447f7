// SPDX-License-Identifier: Apache-2.0
#include "host/cli/text_setup.hpp"

#include <algorithm>
#include <iostream>
#include <string_view>
#include <utility>

#include "host/cli/progress.hpp"
#include "host/runtime/devices.hpp"
#include "sim/rtl/rtl_support.hpp"
#include "sw/config/config.hpp"
#include "sw/error/error.hpp"
#include "sw/transformer/checkpoint_model.hpp"

namespace bitloom {
namespace {

namespace po = boost::program_options;

void tell(std::string_view text) { std::cerr << "bitloom: " << text << "\n"; }

bool on_device(const NeededPrecisions& needed) {
  return std::any_of(needed.begin(), needed.end(), [](const auto& layer) {
    return std::any_of(layer.second.begin(), layer.second.end(),
                       [](unsigned bits) { return bits != kFloatBits; });
  });
}

// Refuses what the hardware cannot run.
CallCheck hardware_check(const TextRun& run) {
  if (!is_hardware(run.backend)) return [](const LayerShape&, unsigned) {};
  return [&config = run.config](const LayerShape& layer, unsigned bits) {
    if (const std::optional<Error> refusal = rtl_refusal(config, rtl_request(layer, bits)))
      throw Error(*refusal);
  };
}

// Makes the layers, or reads them: those that cannot be run are refused here.
LayerMaker layer_maker(const TextRun& run, const FloatModel& model, const NeededPrecisions& needed,
                       const LayerProgress& progress) {
  const CallCheck check = hardware_check(run);
  if (!run.weights.empty()) return reading_maker(run.weights, model, needed, check);
  for (const auto& [id, precisions] : needed) {
    const NamedLinear& linear = model.linear(id);
    for (const unsigned bits : precisions)
      if (bits != kFloatBits)
        check({linear.name, run.method, linear.weights.m, linear.weights.k, run.group_size, bits},
              bits);
  }
  return quantizing_maker(run.method, run.group_size, progress);
}

std::uint64_t rows_to_make(const FloatModel& model, LinearId id, const std::set<unsigned>& bits) {
  return std::uint64_t{model.linear(id).weights.m} * (bits.size() - bits.count(kFloatBits));
}

// Layers of a file are as they are: to ask for others is an error.
void check_weights(const OptionValues& values) {
  for (const char* option : {"method", "group-size"})
    if (values.contains("weights") && values.contains(option))
      throw Error(ErrorCode::usage,
                  {std::string("--") + option, "given together with --weights", "one of the two",
                   "Leave it out: layers of a checkpoint are run as they are."});
}

}  // namespace

po::options_description model_options(const std::string& caption) {
  po::options_description options(caption);
  options.add_options()  //
      ("model", po::value<std::string>()->required(),
       "unquantized model: a Hugging Face folder, a GGUF or a llama2.c file")  //
      ("tokenizer", po::value<std::string>()->required(),
       "its vocabulary: a file of llama2.c or GGUF, tokenizer.json, tokenizer.model, or a folder "
       "with one of them")  //
      ("help", "print this text");
  return options;
}

LanguageModel read_language_model(const OptionValues& values) {
  FloatModel model = read_model(values["model"].as<std::string>());
  Tokenizer tokenizer(values["tokenizer"].as<std::string>(), model.shape.vocab_size);
  return {std::move(model), std::move(tokenizer)};
}

LoadedModel load_floats(const FloatModel& model) {
  return {model, PrecisionPlan(model, {{0, kFloatBits}}).needed(), {}, nullptr, [](LinearId) {}};
}

po::options_description text_options(const std::string& caption) {
  po::options_description options = model_options(caption);
  options.add_options()                                                                        //
      ("backend", po::value<std::string>()->default_value("cpu"), "golden, cpu, cuda or rtl")  //
      ("config", po::value<std::string>()->default_value("edge"),
       "configuration: a name, or a file ending in .json")  //
      ("method", po::value<std::string>(),
       "how weights are quantized: bcq (default) or codebook")  //
      ("group-size", po::value<std::string>(),
       "columns per group: 32, 64, 128 (default) or 256; row = one group per row")  //
      ("weights", po::value<std::string>(),
       "checkpoint of the quantized layers, of any format; default: quantize the model's")  //
      ("out", po::value<std::string>(), "directory of result.json; default: not written")   //
      ("design", po::value<std::string>(), kDesignHelp);
  return options;
}

TextSetup prepare_text(const OptionValues& values) {
  const auto text = [&values](const char* name) {
    return values.contains(name) ? values[name].as<std::string>() : std::string();
  };
  check_weights(values);
  TextRun run;
  run.model = text("model");
  run.tokenizer = text("tokenizer");
  run.backend = text("backend");
  run.config = load_config(text("config"));
  run.weights = text("weights");
  run.method = mode_of(values, "method").value_or(Mode::bcq);
  run.group_size = group_size_of(values).value_or(kDefaultGroupSize);
  static_cast<void>(is_hardware(run.backend));  // refuses what is no backend
  RtlOptions rtl = rtl_options(values);
  rtl.worker.notice = tell;
  LanguageModel language = read_language_model(values);
  run.shape = language.model.shape;
  return {std::move(run), std::move(language), std::move(rtl)};
}

LoadedModel load_model(const TextSetup& setup, const NeededPrecisions& needed) {
  const FloatModel& model = setup.language.model;
  std::uint64_t rows = 0;
  for (const auto& [id, bits] : needed) rows += rows_to_make(model, id, bits);
  Progress progress(setup.run.weights.empty() ? "quantizing" : "reading", "rows");
  progress.expect(rows);
  const LayerProgress steps{.quantizing = {},
                            .row_done = [&progress] { progress.advance(); },
                            .note = [](const std::string& note) { tell("note: " + note); }};
  const TextRun& run = setup.run;
  const LayerMaker make = layer_maker(run, model, needed, steps);
  std::uint64_t made = 0;
  return {model, needed, make,
          on_device(needed) ? make_device(run.backend, run.config, setup.rtl) : nullptr,
          [&](LinearId id) {
            made += rows_to_make(model, id, needed.at(id));
            progress.reach(made);
          }};
}

}  // namespace bitloom
