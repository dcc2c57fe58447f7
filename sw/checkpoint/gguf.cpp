// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/gguf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>

#include "sw/checkpoint/name_list.hpp"
#include "sw/error/error.hpp"
#include "sw/io/file.hpp"
#include "sw/io/little_endian.hpp"

namespace bitloom {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::string_view kScalingKey = ".rope.scaling.type";
constexpr std::size_t kWindow = 1U << 16U;
constexpr std::uint64_t kMaxText = 1U << 16U;  // names and values that are kept
constexpr std::uint32_t kMaxAxes = 4;
constexpr std::uint64_t kMaxAlignment = 1U << 20U;
constexpr std::uint32_t kMost = 1U << 24U;

// Reads a file from front to back through a window of it.
class Cursor {
 public:
  explicit Cursor(const InputFile& file) : file_(file) {}

  template <typename Word>
  Word word() {
    return little_endian_word<Word>(take(sizeof(Word)), 0);
  }

  std::string text() {
    const auto length = word<std::uint64_t>();
    if (length > kMaxText) fail(fmt::format("a name of {} bytes", length), "a short one");
    const auto bytes = take(length);
    return {bytes.begin(), bytes.end()};
  }

  void skip(std::uint64_t bytes) {
    if (bytes > left())
      fail(fmt::format("{} bytes left of the file", left()), fmt::format("{}", bytes));
    at_ += bytes;
  }

  [[nodiscard]] std::uint64_t at() const { return at_; }
  [[nodiscard]] std::uint64_t left() const { return file_.size() - at_; }

  [[noreturn]] void fail(std::string found, std::string expected) const {
    throw Error(ErrorCode::checkpoint_gguf,
                {fmt::format("{}, byte {}", file_.path().string(), at_), std::move(found),
                 std::move(expected), "Download or convert the model again."});
  }

 private:
  // The next bytes, at most a window of them.
  std::span<const std::uint8_t> take(std::size_t count) {
    const std::uint64_t from = at_;
    skip(count);
    if (from < window_at_ || from + count > window_at_ + window_.size()) {
      window_at_ = from;
      window_ = file_.read(from, std::min<std::uint64_t>(kWindow, file_.size() - from));
    }
    return std::span(window_).subspan(from - window_at_, count);
  }

  const InputFile& file_;
  std::uint64_t at_ = 0;
  std::uint64_t window_at_ = 0;
  std::vector<std::uint8_t> window_;
};

enum class ValueType : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  text,
  array,
  u64,
  i64,
  f64
};

constexpr std::array<std::uint64_t, 13> kValueBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

constexpr const char* kTokensKey = "tokenizer.ggml.tokens";
constexpr const char* kScoresKey = "tokenizer.ggml.scores";
constexpr const char* kTypesKey = "tokenizer.ggml.token_type";
constexpr const char* kTokenizerKey = "tokenizer.ggml.model";

// What the metadata says that is of use here; the rest is passed over.
struct Metadata {
  GgufVocabulary vocabulary;  // where it is wanted
  std::map<std::string, std::uint64_t> numbers;
  std::map<std::string, double> reals;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::uint64_t> lengths;  // of arrays
};

class MetadataReader {
 public:
  MetadataReader(Cursor& cursor, bool wants_vocabulary)
      : cursor_(cursor), wants_vocabulary_(wants_vocabulary) {}

  Metadata read(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string key = cursor_.text();
      const ValueType type = read_type();
      if (type == ValueType::text)
        read_text(key);
      else if (type == ValueType::array)
        read_array(key);
      else
        read_number(key, type);
    }
    return std::move(metadata_);
  }

 private:
  ValueType read_type() {
    const auto type = cursor_.word<std::uint32_t>();
    if (type >= kValueBytes.size())
      cursor_.fail(fmt::format("a value of type {}", type),
                   fmt::format("0 to {}", kValueBytes.size() - 1));
    return static_cast<ValueType>(type);
  }

  static std::uint64_t bytes_of(ValueType type) {
    return kValueBytes.at(static_cast<std::size_t>(type));
  }

  void read_text(const std::string& key) {
    // Chat templates may be long; no text that is needed is.
    if (key == "general.architecture" || key == kTokenizerKey || key.ends_with(kScalingKey))
      metadata_.texts[key] = cursor_.text();
    else
      cursor_.skip(cursor_.word<std::uint64_t>());
  }

  void read_number(const std::string& key, ValueType type) {
    if (type == ValueType::u32 || type == ValueType::i32)
      metadata_.numbers[key] = cursor_.word<std::uint32_t>();
    else if (type == ValueType::u64 || type == ValueType::i64)
      metadata_.numbers[key] = cursor_.word<std::uint64_t>();
    else if (type == ValueType::boolean)
      metadata_.numbers[key] = cursor_.word<std::uint8_t>();
    else if (type == ValueType::f32)
      metadata_.reals[key] = std::bit_cast<float>(cursor_.word<std::uint32_t>());
    else if (type == ValueType::f64)
      metadata_.reals[key] = std::bit_cast<double>(cursor_.word<std::uint64_t>());
    else
      cursor_.skip(bytes_of(type));
  }

  void read_array(const std::string& key) {
    const ValueType type = read_type();
    const auto count = cursor_.word<std::uint64_t>();
    metadata_.lengths[key] = count;
    if (type == ValueType::array) cursor_.fail("an array of arrays", "an array of plain values");
    if (wants_vocabulary_ && read_vocabulary(key, type, count)) return;
    if (type == ValueType::text) {
      for (std::uint64_t i = 0; i < count; ++i) cursor_.skip(cursor_.word<std::uint64_t>());
      return;
    }
    if (count > cursor_.left() / bytes_of(type))
      cursor_.fail(fmt::format("an array of {}", count), "one that fits the file");
    cursor_.skip(count * bytes_of(type));
  }

  // Takes an array of the vocabulary, and says whether it is one. Each value is read before there
  // is memory for it.
  bool read_vocabulary(const std::string& key, ValueType type, std::uint64_t count) {
    GgufVocabulary& vocabulary = metadata_.vocabulary;
    if (key == kTokensKey && type == ValueType::text)
      for (std::uint64_t i = 0; i < count; ++i) vocabulary.tokens.push_back(cursor_.text());
    else if (key == kScoresKey && type == ValueType::f32)
      for (std::uint64_t i = 0; i < count; ++i)
        vocabulary.scores.push_back(std::bit_cast<float>(cursor_.word<std::uint32_t>()));
    else if (key == kTypesKey && (type == ValueType::i32 || type == ValueType::u32))
      for (std::uint64_t i = 0; i < count; ++i)
        vocabulary.types.push_back(cursor_.word<std::uint32_t>());
    else
      return false;
    return true;
  }

  Cursor& cursor_;
  bool wants_vocabulary_;
  Metadata metadata_;
};

// The number of tensors, and the metadata; the tensors' descriptions follow.
struct Header {
  std::uint64_t tensor_count = 0;
  Metadata metadata;
};

Header read_header(Cursor& cursor, bool wants_vocabulary) {
  if (cursor.left() < 4 || cursor.word<std::uint32_t>() != kMagic)
    cursor.fail("another beginning", "GGUF");
  const auto version = cursor.word<std::uint32_t>();
  if (version != 2 && version != 3)
    cursor.fail(fmt::format("version {}", version), "2 or 3, little-endian");
  Header header;
  header.tensor_count = cursor.word<std::uint64_t>();
  const auto value_count = cursor.word<std::uint64_t>();
  header.metadata = MetadataReader(cursor, wants_vocabulary).read(value_count);
  return header;
}

struct TensorType {
  std::uint32_t number = 0;
  const char* name = nullptr;
  std::optional<Dtype> dtype;
};

constexpr std::array kTensorTypes = {
    TensorType{0, "F32", Dtype::f32},    TensorType{1, "F16", Dtype::f16},
    TensorType{30, "BF16", Dtype::bf16}, TensorType{2, "Q4_0", {}},
    TensorType{3, "Q4_1", {}},           TensorType{6, "Q5_0", {}},
    TensorType{7, "Q5_1", {}},           TensorType{8, "Q8_0", {}},
    TensorType{9, "Q8_1", {}},           TensorType{10, "Q2_K", {}},
    TensorType{11, "Q3_K", {}},          TensorType{12, "Q4_K", {}},
    TensorType{13, "Q5_K", {}},          TensorType{14, "Q6_K", {}},
    TensorType{15, "Q8_K", {}},          TensorType{16, "IQ2_XXS", {}},
    TensorType{17, "IQ2_XS", {}},        TensorType{18, "IQ3_XXS", {}},
    TensorType{19, "IQ1_S", {}},         TensorType{20, "IQ4_NL", {}},
    TensorType{21, "IQ3_S", {}},         TensorType{22, "IQ2_S", {}},
    TensorType{23, "IQ4_XS", {}},        TensorType{24, "I8", {}},
    TensorType{25, "I16", {}},           TensorType{26, "I32", {}},
    TensorType{27, "I64", {}},           TensorType{28, "F64", {}},
    TensorType{29, "IQ1_M", {}}};

class GgufStore : public TensorStore {
 public:
  explicit GgufStore(const std::filesystem::path& path) : file_(path) {
    path_ = path;
    Cursor cursor(file_);
    Header header = read_header(cursor, false);
    metadata_ = std::move(header.metadata);
    std::vector<std::string> refused;
    for (std::uint64_t i = 0; i < header.tensor_count; ++i) read_tensor(cursor, refused);
    if (!refused.empty())
      throw Error(ErrorCode::checkpoint_tensor,
                  {path.string(), name_list(refused), "tensors of F32, F16 or BF16",
                   "Convert the model to GGUF without quantization."});
    place_tensors(cursor);
  }

  using TensorStore::read;
  [[nodiscard]] std::vector<std::uint8_t> read(const std::string& name, std::uint64_t offset,
                                               std::size_t length) const override {
    return file_.read(offsets_.at(name) + offset, length);
  }

  [[nodiscard]] ModelConfig config() const {
    const auto name = metadata_.texts.find("general.architecture");
    if (name == metadata_.texts.end()) fail_config("general.architecture", "no such key", "a name");
    ModelConfig config;
    config.architecture = architecture_of(name->second, path_.string() + ", general.architecture");
    const std::string prefix = name->second + ".";
    config.blocks = number(prefix + "block_count");
    config.hidden = number(prefix + "embedding_length");
    config.heads = number(prefix + "attention.head_count");
    config.kv_heads = number(prefix + "attention.head_count_kv", config.heads);
    config.head_size =
        number(prefix + "attention.key_length", std::max(config.hidden / config.heads, 1U));
    config.inner = number(prefix + "feed_forward_length");
    config.embedding = config.hidden;
    config.vocabulary = vocabulary();
    config.tied = !tensors_.contains("output.weight");
    check_model_config(config, path_.string());
    if (is_llama_family(config.architecture)) config.decoder = decoder(name->second, config);
    return config;
  }

 private:
  void read_tensor(Cursor& cursor, std::vector<std::string>& refused) {
    const std::string name = cursor.text();
    const auto axes = cursor.word<std::uint32_t>();
    if (axes > kMaxAxes)
      cursor.fail(fmt::format("a tensor of {} axes", axes), fmt::format("at most {}", kMaxAxes));
    Shape shape(axes);
    for (std::uint64_t& extent : shape) extent = cursor.word<std::uint64_t>();
    std::reverse(shape.begin(), shape.end());  // GGUF names the fastest axis first
    const auto number = cursor.word<std::uint32_t>();
    const auto offset = cursor.word<std::uint64_t>();
    const auto* type = std::find_if(kTensorTypes.begin(), kTensorTypes.end(),
                                    [number](const TensorType& t) { return t.number == number; });
    if (type == kTensorTypes.end() || !type->dtype) {
      refused.push_back(name + " of " +
                        (type == kTensorTypes.end() ? "type " + std::to_string(number)
                                                    : std::string(type->name)));
      return;
    }
    if (!tensor_bytes(*type->dtype, shape))
      cursor.fail(fmt::format("shape {}", shape_text(shape)), "one of less than 2^64 bytes");
    if (!tensors_.emplace(name, StoredTensor{*type->dtype, shape}).second)
      cursor.fail(fmt::format("tensor {} twice", quotation(name)), "each name once");
    offsets_[name] = offset;
  }

  // Offsets count from the first aligned byte behind the header.
  void place_tensors(const Cursor& cursor) {
    const auto found = metadata_.numbers.find("general.alignment");
    const std::uint64_t alignment = found == metadata_.numbers.end() ? 32 : found->second;
    if (alignment == 0 || alignment > kMaxAlignment)
      cursor.fail(fmt::format("an alignment of {}", alignment),
                  fmt::format("1 to {}", kMaxAlignment));
    const std::uint64_t data = (cursor.at() + alignment - 1) / alignment * alignment;
    for (const auto& [name, tensor] : tensors_) {
      std::uint64_t& offset = offsets_.at(name);
      const bool inside = data <= file_.size() && offset <= file_.size() - data &&
                          tensor.bytes() <= file_.size() - data - offset;
      if (!inside)
        cursor.fail(
            fmt::format("tensor {} of {} bytes at {}", quotation(name), tensor.bytes(), offset),
            fmt::format("a place inside the file's {} bytes", file_.size()));
      offset += data;
    }
  }

  [[nodiscard]] DecoderConfig decoder(const std::string& name, const ModelConfig& config) const {
    constexpr const char* kEpsilon = "attention.layer_norm_rms_epsilon";
    const std::string prefix = name + ".";
    DecoderConfig decoder;
    decoder.context = number(prefix + "context_length", 0);
    decoder.norm_epsilon = real(prefix + kEpsilon, decoder.norm_epsilon, 0, 1);
    decoder.rope_theta = real(prefix + "rope.freq_base", decoder.rope_theta, 1, 1e12);
    const auto refuse_if = [&decoder](bool obstacle, const std::string& what) {
      if (obstacle) decoder.obstacles.push_back(what);
    };
    refuse_if(!metadata_.reals.contains(prefix + kEpsilon), std::string("no value of ") + kEpsilon);
    const auto scaling = metadata_.texts.find(name + std::string(kScalingKey));
    if (scaling != metadata_.texts.end())
      refuse_if(scaling->second != "none",
                "rotary embedding scaled as " + quotation(scaling->second));
    refuse_if(real(prefix + "rope.scale_linear", 1, 0, 1e6) != 1, "a scaled rotary embedding");
    refuse_if(number(prefix + "rope.dimension_count", config.head_size) != config.head_size,
              "a rotary embedding of a part of each head");
    refuse_if(number(prefix + "attention.value_length", config.head_size) != config.head_size,
              "values of another length than keys");
    refuse_if(metadata_.numbers.contains(prefix + "expert_count"), "experts");
    // llama.cpp writes Mistral models as "llama".
    refuse_if(config.architecture == Architecture::mistral,
              "the order of rotary pairs of \"mistral\" in GGUF");
    return decoder;
  }

  // The table of tokens has a row for each.
  [[nodiscard]] std::uint32_t vocabulary() const {
    const auto embedding = tensors_.find("token_embd.weight");
    if (embedding != tensors_.end() && embedding->second.shape.size() == 2 &&
        embedding->second.shape[0] >= 1 && embedding->second.shape[0] <= kMost)
      return static_cast<std::uint32_t>(embedding->second.shape[0]);
    const auto tokens = metadata_.lengths.find(kTokensKey);
    if (tokens == metadata_.lengths.end() || tokens->second < 1 || tokens->second > kMost)
      fail_config("token_embd.weight", "no such matrix", "the embedding of every token");
    return static_cast<std::uint32_t>(tokens->second);
  }

  [[nodiscard]] std::uint32_t number(const std::string& key,
                                     std::optional<std::uint32_t> otherwise = {}) const {
    const auto found = metadata_.numbers.find(key);
    if (found == metadata_.numbers.end() && otherwise) return *otherwise;
    if (found == metadata_.numbers.end() || found->second < 1 || found->second > kMost)
      fail_config(key,
                  found == metadata_.numbers.end() ? "no such key" : std::to_string(found->second),
                  fmt::format("a whole number from 1 to {}", kMost));
    return static_cast<std::uint32_t>(found->second);
  }

  [[nodiscard]] double real(const std::string& key, double otherwise, double least,
                            double most) const {
    const auto found = metadata_.reals.find(key);
    if (found == metadata_.reals.end()) return otherwise;
    if (!(found->second >= least && found->second <= most))
      fail_config(key, fmt::format("{}", found->second),
                  fmt::format("a number from {} to {}", least, most));
    return found->second;
  }

  [[noreturn]] void fail_config(const std::string& key, std::string found,
                                std::string expected) const {
    throw Error(ErrorCode::checkpoint_config,
                {path_.string() + ", " + key, std::move(found), std::move(expected),
                 "Download or convert the model again."});
  }

  InputFile file_;
  Metadata metadata_;
  std::map<std::string, std::uint64_t> offsets_;
};

// What no tokenizer here can do with a vocabulary, or nothing.
std::string vocabulary_fault(const Metadata& metadata) {
  const auto kind = metadata.texts.find(kTokenizerKey);
  if (kind == metadata.texts.end()) return "no vocabulary";
  if (kind->second != "llama") return "a tokenizer of the kind " + quotation(kind->second);
  const auto says = [&metadata](const char* name, std::uint64_t usual) {
    const auto found = metadata.numbers.find(std::string("tokenizer.ggml.") + name);
    return found == metadata.numbers.end() ? usual : found->second;
  };
  if (says("bos_token_id", 1) != 1 || says("eos_token_id", 2) != 2)
    return fmt::format("begin token {}, end token {}", says("bos_token_id", 1),
                       says("eos_token_id", 2));
  if (says("add_space_prefix", 1) != 1) return "texts without a space in front";
  const GgufVocabulary& vocabulary = metadata.vocabulary;
  if (vocabulary.scores.size() != vocabulary.tokens.size() ||
      vocabulary.types.size() != vocabulary.tokens.size())
    return fmt::format("{} tokens, {} scores, {} types", vocabulary.tokens.size(),
                       vocabulary.scores.size(), vocabulary.types.size());
  return "";
}

}  // namespace

GgufModel open_gguf(const std::filesystem::path& path) {
  auto store = std::make_unique<GgufStore>(path);
  const ModelConfig config = store->config();
  return {std::move(store), config};
}

GgufVocabulary read_gguf_vocabulary(const std::filesystem::path& path) {
  const InputFile file(path);
  Cursor cursor(file);
  Metadata metadata = read_header(cursor, true).metadata;
  std::string fault = vocabulary_fault(metadata);
  if (!fault.empty())
    throw Error(ErrorCode::tokenizer_file,
                {path.string(), std::move(fault),
                 "a vocabulary of the kind \"llama\" with scores and types, begin token 1 and end "
                 "token 2",
                 "docs/generate.md says which models can be given texts."});
  return std::move(metadata.vocabulary);
}

bool is_gguf(const std::filesystem::path& path) {
  const InputFile file(path);
  return file.size() >= 4 && little_endian_word<std::uint32_t>(file.read(0, 4), 0) == kMagic;
}

}  // namespace bitloom
