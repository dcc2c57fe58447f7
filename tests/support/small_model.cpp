// SPDX-License-Identifier: Apache-2.0
#include "tests/support/small_model.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <random>

namespace bitloom {
namespace {

using Reals = std::vector<double>;

void append_word(std::string& bytes, std::uint32_t word) {
  for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(word >> (8 * i));
}

void append_floats(std::string& bytes, const SmallModel::Vector& values) {
  for (const float value : values) append_word(bytes, std::bit_cast<std::uint32_t>(value));
}

void append_floats(std::string& bytes, const std::vector<SmallModel::Vector>& tensors) {
  for (const SmallModel::Vector& tensor : tensors) append_floats(bytes, tensor);
}

Reals times(const SmallModel::Vector& w, const Reals& x) {
  Reals y(w.size() / x.size());
  for (std::size_t i = 0; i < w.size(); ++i) y[i / x.size()] += w[i] * x[i % x.size()];
  return y;
}

Reals norm(const Reals& x, const SmallModel::Vector& weight, double epsilon) {
  double square = 0;
  for (const double value : x) square += value * value;
  Reals y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    y[i] = x[i] * weight[i] / std::sqrt(square / static_cast<double>(x.size()) + epsilon);
  return y;
}

void rotate(Reals& x, std::size_t position, const SmallModel& model) {
  for (std::size_t i = 0; i < x.size(); i += 2) {
    const std::size_t within = i % SmallModel::kHeadDim;
    const double angle = static_cast<double>(position) /
                         std::pow(model.theta, static_cast<double>(within) /
                                                   static_cast<double>(SmallModel::kHeadDim)) /
                         model.divisors[within / 2];
    const double a = x[i];
    const double b = x[i + 1];
    x[i] = a * std::cos(angle) - b * std::sin(angle);
    x[i + 1] = a * std::sin(angle) + b * std::cos(angle);
  }
}

// Bias and norm of a block, where there are any.
void finish(Reals& x, std::size_t block, const std::vector<SmallModel::Vector>& biases,
            const std::vector<SmallModel::Vector>& norms, double epsilon) {
  if (!biases.empty())
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += biases[block][i];
  if (norms.empty()) return;
  for (std::size_t head = 0; head < x.size(); head += SmallModel::kHeadDim) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(head);
    const Reals normed = norm({begin, begin + SmallModel::kHeadDim}, norms[block], epsilon);
    std::copy(normed.begin(), normed.end(), begin);
  }
}

void add(Reals& to, const Reals& x) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += x[i];
}

Reals attention(const Reals& q, const std::vector<Reals>& keys, const std::vector<Reals>& values) {
  constexpr std::size_t kPerKv = SmallModel::kHeads / SmallModel::kKvHeads;
  constexpr std::size_t kSize = SmallModel::kHeadDim;
  Reals out(q.size());
  for (std::size_t head = 0; head < SmallModel::kHeads; ++head) {
    Reals weights;
    double sum = 0;
    for (const Reals& key : keys) {
      double score = 0;
      for (std::size_t i = 0; i < kSize; ++i)
        score += q[head * kSize + i] * key[head / kPerKv * kSize + i];
      weights.push_back(std::exp(score / std::sqrt(static_cast<double>(kSize))));
      sum += weights.back();
    }
    for (std::size_t t = 0; t < keys.size(); ++t)
      for (std::size_t i = 0; i < kSize; ++i)
        out[head * kSize + i] += weights[t] / sum * values[t][head / kPerKv * kSize + i];
  }
  return out;
}

SmallModel::Vector random_values(std::mt19937& random, std::size_t count, double center,
                                 double spread) {
  SmallModel::Vector values(count);
  for (float& value : values)
    value = static_cast<float>(center + spread * (static_cast<double>(random()) * 0x1p-31 - 1.0));
  return values;
}

}  // namespace

SmallModel::SmallModel(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto tensor = [&random](std::size_t count, double center, double spread) {
    return random_values(random, count, center, spread);
  };
  embedding = tensor(kVocab * kDim, 0, 1);
  for (std::size_t block = 0; block < kBlocks; ++block) {
    att_norm.push_back(tensor(kDim, 1, 0.5));
    wq.push_back(tensor(kDim * kDim, 0, 0.6));
    wk.push_back(tensor(kKvDim * kDim, 0, 0.6));
    wv.push_back(tensor(kKvDim * kDim, 0, 0.6));
    wo.push_back(tensor(kDim * kDim, 0, 0.4));
    ffn_norm.push_back(tensor(kDim, 1, 0.5));
    w1.push_back(tensor(kHidden * kDim, 0, 0.4));
    w2.push_back(tensor(kDim * kHidden, 0, 0.4));
    w3.push_back(tensor(kHidden * kDim, 0, 0.4));
  }
  final_norm = tensor(kDim, 1, 0.5);
  classifier = tensor(kVocab * kDim, 0, 0.5);
}

void SmallModel::add_biases(std::uint32_t seed) {
  std::mt19937 random(seed);
  for (std::size_t block = 0; block < kBlocks; ++block) {
    q_bias.push_back(random_values(random, kDim, 0, 1));
    k_bias.push_back(random_values(random, kKvDim, 0, 1));
    v_bias.push_back(random_values(random, kKvDim, 0, 1));
  }
}

void SmallModel::add_head_norms(std::uint32_t seed) {
  std::mt19937 random(seed);
  for (std::size_t block = 0; block < kBlocks; ++block) {
    q_norm.push_back(random_values(random, kHeadDim, 1, 0.8));
    k_norm.push_back(random_values(random, kHeadDim, 1, 0.8));
  }
}

PlainModel SmallModel::plain() const {
  PlainModel model = plain_model(file());
  model.epsilon = epsilon;
  model.theta = theta;
  const auto add = [&model](const char* name, const std::vector<Vector>& by_block) {
    for (std::size_t block = 0; block < by_block.size(); ++block)
      model.of_block(block, name) = {{by_block[block].size()}, by_block[block]};
  };
  add("self_attn.q_proj.bias", q_bias);
  add("self_attn.k_proj.bias", k_bias);
  add("self_attn.v_proj.bias", v_bias);
  add("self_attn.q_norm.weight", q_norm);
  add("self_attn.k_norm.weight", k_norm);
  return model;
}

std::string SmallModel::file() const {
  std::string bytes;
  for (const std::size_t field : {kDim, kHidden, kBlocks, kHeads, kKvHeads})
    append_word(bytes, static_cast<std::uint32_t>(field));
  append_word(bytes, static_cast<std::uint32_t>(-static_cast<std::int32_t>(kVocab)));
  append_word(bytes, kContext);
  append_floats(bytes, embedding);
  for (const auto* tensors : {&att_norm, &wq, &wk, &wv, &wo, &ffn_norm, &w1, &w2, &w3})
    append_floats(bytes, *tensors);
  append_floats(bytes, final_norm);
  append_floats(bytes, Vector(kContext * kHeadDim));  // the rotary tables, which nothing reads
  append_floats(bytes, classifier);
  return bytes;
}

std::string SmallModel::tokenizer_file() {
  std::vector<std::string> texts = {"<unk>", "\n<s>\n", "\n</s>\n"};
  for (unsigned byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", byte);
    texts.emplace_back(text);
  }
  for (const char* text : {" ", "a", "b", " a", "ab", "ba", " ab", "aa", "bb", "\xC3\xA9", "abab"})
    texts.emplace_back(text);
  std::string bytes;
  append_word(bytes, 6);
  for (std::size_t i = 0; i < kVocab; ++i) {
    // Scores as a trained tokenizer has them: the later a token, the lower.
    append_word(bytes, std::bit_cast<std::uint32_t>(i < 259 ? 0.0F : -static_cast<float>(i - 259)));
    append_word(bytes, static_cast<std::uint32_t>(texts.at(i).size()));
    bytes += texts.at(i);
  }
  return bytes;
}

std::vector<std::vector<double>> SmallModel::logits(const std::vector<std::uint32_t>& tokens,
                                                    const Watch& watch) const {
  std::vector<std::vector<Reals>> keys(kBlocks);
  std::vector<std::vector<Reals>> values(kBlocks);
  std::vector<Reals> result;
  for (std::size_t position = 0; position < tokens.size(); ++position) {
    const auto row = embedding.begin() + static_cast<std::ptrdiff_t>(tokens[position] * kDim);
    Reals x(row, row + kDim);
    for (std::size_t block = 0; block < kBlocks; ++block) {
      const std::string prefix = "layers." + std::to_string(block) + ".";
      const Reals in = norm(x, att_norm[block], epsilon);
      for (const char* name : {"wq", "wk", "wv"}) watch(prefix + name, in);
      Reals q = times(wq[block], in);
      Reals k = times(wk[block], in);
      Reals v = times(wv[block], in);
      finish(q, block, q_bias, q_norm, epsilon);
      finish(k, block, k_bias, k_norm, epsilon);
      finish(v, block, v_bias, {}, epsilon);
      rotate(q, position, *this);
      rotate(k, position, *this);
      keys[block].push_back(k);
      values[block].push_back(v);
      const Reals attended = attention(q, keys[block], values[block]);
      watch(prefix + "wo", attended);
      add(x, times(wo[block], attended));
      const Reals middle = norm(x, ffn_norm[block], epsilon);
      for (const char* name : {"w1", "w3"}) watch(prefix + name, middle);
      Reals gate = times(w1[block], middle);
      const Reals up = times(w3[block], middle);
      for (std::size_t i = 0; i < gate.size(); ++i) gate[i] *= up[i] / (1 + std::exp(-gate[i]));
      watch(prefix + "w2", gate);
      add(x, times(w2[block], gate));
    }
    const Reals last = norm(x, final_norm, epsilon);
    watch("classifier", last);
    result.push_back(times(classifier, last));
  }
  return result;
}

}  // namespace bitloom
