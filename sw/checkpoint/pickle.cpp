// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/pickle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "sw/error/error.hpp"
#include "sw/io/little_endian.hpp"

namespace bitloom {
namespace {

// The opcodes that protocols 2 to 5 need for tensors in containers (Python's pickletools lists
// all).
enum class Op : std::uint8_t {
  append = 'a',
  appends = 'e',
  binfloat = 'G',
  binget = 'h',
  binint = 'J',
  binint1 = 'K',
  binint2 = 'M',
  binpersid = 'Q',
  binput = 'q',
  binunicode = 'X',
  build = 'b',
  empty_dict = '}',
  empty_list = ']',
  empty_tuple = ')',
  frame = 0x95,
  global = 'c',
  long1 = 0x8a,
  long_binget = 'j',
  long_binput = 'r',
  mark = '(',
  memoize = 0x94,
  newfalse = 0x89,
  newtrue = 0x88,
  none = 'N',
  proto = 0x80,
  reduce = 'R',
  setitem = 's',
  setitems = 'u',
  short_binunicode = 0x8c,
  stack_global = 0x93,
  stop = '.',
  tuple = 't',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
};

struct StorageType {
  const char* name;
  Dtype dtype;
};

constexpr std::array kStorageTypes = {
    StorageType{"HalfStorage", Dtype::f16},  StorageType{"BFloat16Storage", Dtype::bf16},
    StorageType{"FloatStorage", Dtype::f32}, StorageType{"DoubleStorage", Dtype::f64},
    StorageType{"ByteStorage", Dtype::u8},   StorageType{"CharStorage", Dtype::i8},
    StorageType{"ShortStorage", Dtype::i16}, StorageType{"IntStorage", Dtype::i32},
    StorageType{"LongStorage", Dtype::i64},  StorageType{"BoolStorage", Dtype::boolean}};

// Values live in one list and name each other by index: a pickle that makes cycles makes no leak,
// and one that nests deeply makes no deep recursion.
using Id = std::uint32_t;

// None, and what a state dictionary holds without a use here: truth values and fractions.
struct None {};
struct Mark {};
// What a pickle may call or name, and nothing else.
enum class Callable : std::uint8_t { ordered_dict, rebuild_tensor, rebuild_parameter };
struct List {
  std::vector<Id> items;
};
struct Tuple {
  std::vector<Id> items;
};
struct Dict {
  std::vector<std::pair<Id, Id>> items;
  bool ordered = false;
};
struct Storage {
  Dtype dtype{};
  std::string key;
  std::uint64_t elements = 0;
};
// Storages and tensors are large, and so are listed apart: a pickle of a few opcodes per value
// must not cost a hundred bytes for each.
struct StorageAt {
  std::size_t index = 0;
};
struct TensorAt {
  std::size_t index = 0;
};
using Value = std::variant<None, Mark, std::int64_t, std::string, List, Tuple, Dict, Callable,
                           Dtype, StorageAt, TensorAt>;

// No call that is allowed takes more arguments, and no tensor of a model has more axes.
constexpr std::size_t kMaxArguments = 8;
constexpr std::size_t kMaxKey = 64;

class Interpreter {
 public:
  Interpreter(std::span<const std::uint8_t> pickle, const std::string& place)
      : pickle_(pickle), place_(place) {}

  std::map<std::string, PickledTensor> run() {
    while (step()) {
    }
    return tensors_of(pop());
  }

 private:
  [[noreturn]] void fail(std::string found, std::string expected) const {
    throw Error(ErrorCode::checkpoint_pickle,
                {fmt::format("{}, byte {}", place_, opcode_at_), std::move(found),
                 std::move(expected), "Do not load this file elsewhere unless you trust it."});
  }

  // ---- bytes ----
  std::span<const std::uint8_t> take(std::uint64_t count) {
    if (count > pickle_.size() - at_)
      fail(fmt::format("{} bytes where {} are needed", pickle_.size() - at_, count),
           "a whole pickle");
    const auto bytes = pickle_.subspan(at_, count);
    at_ += count;
    return bytes;
  }

  template <typename Word>
  Word word() {
    return little_endian_word<Word>(take(sizeof(Word)), 0);
  }

  std::string text(std::uint64_t length) {
    const auto bytes = take(length);
    return {bytes.begin(), bytes.end()};
  }

  std::string line() {
    const auto rest = pickle_.subspan(at_);
    const auto end = std::find(rest.begin(), rest.end(), '\n');
    std::string result = text(static_cast<std::uint64_t>(end - rest.begin()));
    take(1);
    return result;
  }

  // A whole number of `count` bytes, two's complement, little-endian.
  std::int64_t signed_bytes(std::uint8_t count) {
    if (count > 8) fail(fmt::format("a number of {} bytes", count), "numbers of at most 64 bits");
    const auto bytes = take(count);
    std::uint64_t value = count != 0 && bytes[count - 1U] >= 0x80 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8U | bytes[i];
    return static_cast<std::int64_t>(value);
  }

  // ---- the stack ----
  void push(Value value) {
    values_.push_back(std::move(value));
    stack_.push_back(static_cast<Id>(values_.size() - 1));
  }

  Id pop() {
    if (stack_.empty()) fail("an empty stack", "a value on it");
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }

  // The values above the last mark, which goes as well.
  std::vector<Id> pop_to_mark() {
    const auto mark = std::find_if(stack_.rbegin(), stack_.rend(), [this](Id id) {
      return std::holds_alternative<Mark>(values_[id]);
    });
    if (mark == stack_.rend()) fail("no mark on the stack", "a mark below the values");
    const auto first = mark.base();
    std::vector<Id> items(first, stack_.end());
    stack_.erase(first - 1, stack_.end());
    return items;
  }

  template <typename Kind>
  const Kind& as(Id id, const char* expected) const {
    const Kind* value = std::get_if<Kind>(&values_[id]);
    if (value == nullptr) fail("another value", expected);
    return *value;
  }

  template <typename Kind>
  Kind& top(const char* expected) {
    Kind* value = stack_.empty() ? nullptr : std::get_if<Kind>(&values_[stack_.back()]);
    if (value == nullptr) fail("another value", expected);
    return *value;
  }

  // ---- opcodes ----
  struct Handler {
    Op op;
    void (*run)(Interpreter&);
  };

  static const Handler* handler_of(Op op) {
    static constexpr Handler kHandlers[] = {
        {Op::proto, [](Interpreter& in) { in.check_protocol(in.word<std::uint8_t>()); }},
        {Op::frame, [](Interpreter& in) { in.take(8); }},
        {Op::mark, [](Interpreter& in) { in.push(Mark{}); }},
        {Op::none, [](Interpreter& in) { in.push(None{}); }},
        {Op::newtrue, [](Interpreter& in) { in.push(None{}); }},
        {Op::newfalse, [](Interpreter& in) { in.push(None{}); }},
        {Op::binfloat, [](Interpreter& in) { in.take(8), in.push(None{}); }},
        {Op::binint, [](Interpreter& in) { in.push(in.signed_bytes(4)); }},
        {Op::binint1, [](Interpreter& in) { in.push(std::int64_t{in.word<std::uint8_t>()}); }},
        {Op::binint2, [](Interpreter& in) { in.push(std::int64_t{in.word<std::uint16_t>()}); }},
        {Op::long1, [](Interpreter& in) { in.push(in.signed_bytes(in.word<std::uint8_t>())); }},
        {Op::binunicode, [](Interpreter& in) { in.push(in.text(in.word<std::uint32_t>())); }},
        {Op::short_binunicode, [](Interpreter& in) { in.push(in.text(in.word<std::uint8_t>())); }},
        {Op::empty_dict, [](Interpreter& in) { in.push(Dict{}); }},
        {Op::empty_list, [](Interpreter& in) { in.push(List{}); }},
        {Op::empty_tuple, [](Interpreter& in) { in.push(Tuple{}); }},
        {Op::tuple, [](Interpreter& in) { in.push(Tuple{in.pop_to_mark()}); }},
        {Op::tuple1, [](Interpreter& in) { in.push_tuple(1); }},
        {Op::tuple2, [](Interpreter& in) { in.push_tuple(2); }},
        {Op::tuple3, [](Interpreter& in) { in.push_tuple(3); }},
        {Op::append, [](Interpreter& in) { in.append({in.pop()}); }},
        {Op::appends, [](Interpreter& in) { in.append(in.pop_to_mark()); }},
        {Op::setitem, [](Interpreter& in) { in.set_item(); }},
        {Op::setitems, [](Interpreter& in) { in.set_items(in.pop_to_mark()); }},
        {Op::binput, [](Interpreter& in) { in.put(in.word<std::uint8_t>()); }},
        {Op::long_binput, [](Interpreter& in) { in.put(in.word<std::uint32_t>()); }},
        {Op::memoize, [](Interpreter& in) { in.put(static_cast<Id>(in.memo_.size())); }},
        {Op::binget, [](Interpreter& in) { in.get(in.word<std::uint8_t>()); }},
        {Op::long_binget, [](Interpreter& in) { in.get(in.word<std::uint32_t>()); }},
        {Op::global, [](Interpreter& in) { in.global(); }},
        {Op::stack_global, [](Interpreter& in) { in.stack_global(); }},
        {Op::binpersid, [](Interpreter& in) { in.make_storage(); }},
        {Op::reduce, [](Interpreter& in) { in.reduce(); }},
        {Op::build, [](Interpreter& in) { in.build(); }},
    };
    const auto* found = std::find_if(std::begin(kHandlers), std::end(kHandlers),
                                     [op](const Handler& known) { return known.op == op; });
    return found == std::end(kHandlers) ? nullptr : found;
  }

  // Executes one opcode; false at the last.
  bool step() {
    opcode_at_ = at_;
    const Op op{word<std::uint8_t>()};
    if (op == Op::stop) return false;
    const Handler* handler = handler_of(op);
    if (handler == nullptr)
      fail(fmt::format("opcode {:#04x}", static_cast<unsigned>(op)),
           "only what a dictionary of tensors needs");
    handler->run(*this);
    return true;
  }

  void check_protocol(unsigned protocol) const {
    if (protocol < 2 || protocol > 5) fail(fmt::format("protocol {}", protocol), "2 to 5");
  }

  void push_tuple(std::size_t count) {
    std::vector<Id> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    push(Tuple{std::move(items)});
  }

  void append(const std::vector<Id>& items) {
    auto& list = top<List>("a list to append to").items;
    list.insert(list.end(), items.begin(), items.end());
  }

  void set_item() {
    const Id value = pop();
    const Id key = pop();
    set_items({key, value});
  }

  void set_items(const std::vector<Id>& items) {
    if (items.size() % 2 != 0) fail("a key without a value", "pairs");
    auto& dict = top<Dict>("a dictionary to set items of").items;
    for (std::size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
  }

  void put(std::uint32_t index) {
    if (stack_.empty()) fail("an empty stack", "a value to remember");
    memo_[index] = stack_.back();
  }

  void get(std::uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail(fmt::format("memo {}", index), "a value that was remembered");
    stack_.push_back(found->second);
  }

  void global() {
    const std::string module = line();
    find_global(module, line());
  }

  void stack_global() {
    const std::string name = as<std::string>(pop(), "a name");
    find_global(as<std::string>(pop(), "a module"), name);
  }

  void find_global(const std::string& module, const std::string& name) {
    struct Known {
      std::string_view module;
      std::string_view name;
      Callable callable;
    };
    static constexpr std::array kKnown = {
        Known{"collections", "OrderedDict", Callable::ordered_dict},
        Known{"torch._utils", "_rebuild_tensor_v2", Callable::rebuild_tensor},
        Known{"torch._utils", "_rebuild_parameter", Callable::rebuild_parameter}};
    for (const Known& known : kKnown)
      if (known.module == module && known.name == name) return push(known.callable);
    if (module == "torch")
      for (const StorageType& type : kStorageTypes)
        if (name == type.name) return push(type.dtype);
    fail(fmt::format("a use of {}", quotation(module + "." + name)),
         "only tensors and the containers that hold them");
  }

  // ('storage', type, key, location, elements)
  void make_storage() {
    const std::vector<Id> parts = small_tuple(pop(), "the tuple of a storage");
    if (parts.size() != 5 || as<std::string>(parts[0], "the word storage") != "storage")
      fail("another persistent object", "a storage");
    const auto& key = as<std::string>(parts[2], "the key of a storage");
    if (key.size() > kMaxKey)
      fail(fmt::format("a key of {} bytes", key.size()), fmt::format("at most {}", kMaxKey));
    storages_.push_back({as<Dtype>(parts[1], "the type of a storage"), key, count_of(parts[4])});
    push(StorageAt{storages_.size() - 1});
  }

  // A copy of a tuple's items. Without the limit a pickle could have one large tuple copied again
  // and again.
  std::vector<Id> small_tuple(Id id, const char* expected) const {
    const std::vector<Id>& items = as<Tuple>(id, expected).items;
    if (items.size() > kMaxArguments)
      fail(fmt::format("a tuple of {}", items.size()), fmt::format("at most {}", kMaxArguments));
    return items;
  }

  std::uint64_t count_of(Id id) const {
    const auto value = as<std::int64_t>(id, "a whole number");
    if (value < 0) fail(std::to_string(value), "a number of at least 0");
    return static_cast<std::uint64_t>(value);
  }

  std::vector<std::uint64_t> counts_of(Id id) const {
    std::vector<std::uint64_t> counts;
    for (const Id item : small_tuple(id, "a tuple of sizes")) counts.push_back(count_of(item));
    return counts;
  }

  void reduce() {
    const std::vector<Id> arguments = small_tuple(pop(), "a tuple of arguments");
    switch (as<Callable>(pop(), "a call that makes a tensor or a dictionary")) {
      case Callable::ordered_dict:
        if (!arguments.empty()) fail("an OrderedDict with arguments", "an empty one");
        return push(Dict{{}, true});
      case Callable::rebuild_tensor:
        return rebuild_tensor(arguments);
      case Callable::rebuild_parameter:
        if (arguments.empty()) fail("a parameter without a tensor", "one");
        as<TensorAt>(arguments[0], "a tensor");
        stack_.push_back(arguments[0]);
    }
  }

  // (storage, offset, size, stride, requires_grad, hooks); newer versions may add metadata.
  void rebuild_tensor(const std::vector<Id>& arguments) {
    if (arguments.size() < 6 || arguments.size() > 7)
      fail(fmt::format("a tensor of {} arguments", arguments.size()), "6 or 7");
    const Storage& storage = storages_[as<StorageAt>(arguments[0], "a storage").index];
    PickledTensor tensor{storage.dtype,           storage.key,
                         storage.elements,        count_of(arguments[1]),
                         counts_of(arguments[2]), counts_of(arguments[3])};
    if (tensor.shape.size() != tensor.stride.size())
      fail(fmt::format("{} sizes and {} strides", tensor.shape.size(), tensor.stride.size()),
           "one stride per size");
    tensors_.push_back(std::move(tensor));
    push(TensorAt{tensors_.size() - 1});
  }

  // The attributes of a state dictionary, its _metadata: versions of modules, of no use here.
  void build() {
    as<Dict>(pop(), "a dictionary of attributes");
    if (!top<Dict>("an OrderedDict to give attributes to").ordered)
      fail("attributes of a dict", "attributes of an OrderedDict only");
  }

  std::map<std::string, PickledTensor> tensors_of(Id id) const {
    std::map<std::string, PickledTensor> tensors;
    for (const auto& [key, value] : as<Dict>(id, "a dictionary of tensors").items) {
      const auto* tensor = std::get_if<TensorAt>(&values_[value]);
      const auto& name = as<std::string>(key, "names of tensors as keys");
      if (tensor != nullptr && !tensors.emplace(name, tensors_[tensor->index]).second)
        fail(fmt::format("{} twice", quotation(name)), "each name once");
    }
    return tensors;
  }

  std::span<const std::uint8_t> pickle_;
  const std::string& place_;
  std::size_t at_ = 0;
  std::size_t opcode_at_ = 0;
  std::vector<Value> values_;
  std::vector<Storage> storages_;
  std::vector<PickledTensor> tensors_;
  std::vector<Id> stack_;
  std::unordered_map<std::uint32_t, Id> memo_;
};

class Pickler {
 public:
  std::vector<std::uint8_t> dictionary(std::span<const TensorSpec> tensors) {
    op(Op::proto), byte(2);
    empty_ordered_dict();
    op(Op::mark);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      text(tensors[i].name);
      tensor(tensors[i], std::to_string(i));
    }
    op(Op::setitems);
    op(Op::stop);
    return std::move(bytes_);
  }

 private:
  void byte(std::uint8_t value) { bytes_.push_back(value); }
  void op(Op code) { byte(static_cast<std::uint8_t>(code)); }

  void text(const std::string& value) {
    op(Op::binunicode);
    append_word(bytes_, static_cast<std::uint32_t>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }

  void number(std::uint64_t value) {
    op(Op::long1), byte(8);
    append_word(bytes_, value);
  }

  void numbers(std::span<const std::uint64_t> values) {
    op(Op::mark);
    for (const std::uint64_t value : values) number(value);
    op(Op::tuple);
  }

  void global(std::string_view module, std::string_view name) {
    op(Op::global);
    for (const std::string_view part : {module, name}) {
      bytes_.insert(bytes_.end(), part.begin(), part.end());
      byte('\n');
    }
  }

  void empty_ordered_dict() {
    global("collections", "OrderedDict");
    op(Op::empty_tuple), op(Op::reduce);
  }

  void storage(Dtype dtype, const std::string& key, std::uint64_t elements) {
    const auto* type =
        std::find_if(kStorageTypes.begin(), kStorageTypes.end(),
                     [dtype](const StorageType& candidate) { return candidate.dtype == dtype; });
    op(Op::mark);
    text("storage");
    global("torch", type->name);
    text(key);
    text("cpu");
    number(elements);
    op(Op::tuple), op(Op::binpersid);
  }

  void tensor(const TensorSpec& spec, const std::string& key) {
    const std::uint64_t elements =
        tensor_bytes(spec.dtype, spec.shape).value() / dtype_bytes(spec.dtype);
    global("torch._utils", "_rebuild_tensor_v2");
    op(Op::mark);
    storage(spec.dtype, key, elements);
    number(0);
    numbers(spec.shape);
    numbers(torch_strides(spec.shape));
    op(Op::newfalse);
    empty_ordered_dict();
    op(Op::tuple), op(Op::reduce);
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace

std::map<std::string, PickledTensor> read_state_dict(std::span<const std::uint8_t> pickle,
                                                     const std::string& place) {
  return Interpreter(pickle, place).run();
}

Shape torch_strides(const Shape& shape) {
  Shape stride(shape.size());
  std::uint64_t step = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    stride[axis] = step;
    step *= std::max<std::uint64_t>(shape[axis], 1);
  }
  return stride;
}

std::vector<std::uint8_t> write_state_dict(std::span<const TensorSpec> tensors) {
  return Pickler().dictionary(tensors);
}

bool torch_has(Dtype dtype) {
  return std::any_of(kStorageTypes.begin(), kStorageTypes.end(),
                     [dtype](const StorageType& type) { return type.dtype == dtype; });
}

}  // namespace bitloom
