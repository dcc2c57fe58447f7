// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/torch_file.hpp"

#include <zip.h>

#include <catch2/catch.hpp>

#include "sw/checkpoint/pickle.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace bitloom {
namespace {

struct Entry {
  std::string name;
  std::string bytes;
  zip_int32_t method = ZIP_CM_STORE;
};

std::filesystem::path write_zip(const std::filesystem::path& path,
                                const std::vector<Entry>& entries) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(archive != nullptr);
  for (const Entry& entry : entries) {
    zip_source_t* source = zip_source_buffer(archive, entry.bytes.data(), entry.bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, entry.name.c_str(), source, 0);
    REQUIRE(index >= 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), entry.method, 0);
  }
  REQUIRE(zip_close(archive) == 0);
  return path;
}

std::string pickle_of(const std::vector<TensorSpec>& specs) {
  const std::vector<std::uint8_t> bytes = write_state_dict(specs);
  return {bytes.begin(), bytes.end()};
}

// One tensor w of three binary16 values.
const std::vector<TensorSpec> kSpecs = {{"w", Dtype::f16, {3}}};
const std::string kBytes = "abcdef";

std::vector<Entry> good_entries() {
  return {{"m/data.pkl", pickle_of(kSpecs)}, {"m/byteorder", "little"}, {"m/data/0", kBytes}};
}

Error open_error(const std::filesystem::path& path) {
  return error_of([&path] { open_torch_store(path); });
}

TEST_CASE("Tensors of an archive are read, whole and in part") {
  const ScratchFolder folder;
  const auto store = open_torch_store(write_zip(folder.path("t"), good_entries()));
  REQUIRE(store->tensors().size() == 1);
  CHECK(store->read("w") == std::vector<std::uint8_t>{'a', 'b', 'c', 'd', 'e', 'f'});
  CHECK(store->read("w", 2, 3) == std::vector<std::uint8_t>{'c', 'd', 'e'});
}

TEST_CASE("Damaged bytes are found, whole and part by part") {
  const ScratchFolder folder;
  const auto path = write_zip(folder.path("t"), good_entries());
  std::string content = read_bytes(path);
  const std::size_t place = content.find(kBytes);
  REQUIRE(place != std::string::npos);
  content[place + 4] ^= 1;
  write_bytes(path, content);
  const auto store = open_torch_store(path);
  CHECK(error_of([&] { (void)store->read("w"); }).code() == ErrorCode::checkpoint_zip);
  CHECK(store->read("w", 0, 3).size() == 3);
  CHECK(error_of([&] { (void)store->read("w", 3, 3); }).code() == ErrorCode::checkpoint_zip);
  // Parts that do not follow each other are not all bytes: nothing can be compared.
  CHECK(store->read("w", 3, 3).size() == 3);
}

TEST_CASE("What is written is read back") {
  const ScratchFolder folder;
  const std::vector<TensorSpec> specs = {{"b", Dtype::u8, {3, 100'000}}, {"a", Dtype::i64, {5, 0}}};
  // The first has more bytes than the library asks for at once.
  std::vector<std::uint8_t> bytes(300'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i / 255);
  write_torch_file(folder.path("t"), specs,
                   [&bytes](std::size_t i, std::uint64_t offset, std::size_t length) {
                     CHECK((i == 0 || length == 0));
                     const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(offset);
                     return std::vector(begin, begin + static_cast<std::ptrdiff_t>(length));
                   });
  const auto store = open_torch_store(folder.path("t"));
  CHECK(store->read("b") == bytes);
  CHECK(store->read("a").empty());
  CHECK(store->tensors().at("b").shape == Shape{3, 100'000});
}

TEST_CASE("A writer whose bytes fail passes the failure on and leaves the old file") {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("t"), "old");
  const auto read = [](std::size_t, std::uint64_t, std::size_t) -> std::vector<std::uint8_t> {
    throw Error(ErrorCode::io_read, {"p", "f", "e", "a"});
  };
  CHECK(error_of([&] { write_torch_file(path, kSpecs, read); }).code() == ErrorCode::io_read);
  CHECK(read_bytes(path) == "old");
  CHECK(folder.entries() == std::vector<std::string>{"t"});
  CHECK(error_of([&] { write_torch_file(folder.path("no/t"), {}, read); }).code() ==
        ErrorCode::output_path);
}

TEST_CASE("Archives that are not of torch.save are refused") {
  const ScratchFolder folder;
  const auto code = [&folder](const std::vector<Entry>& entries) {
    return open_error(write_zip(folder.path("t"), entries)).code();
  };
  CHECK(open_error(folder.path("missing")).code() == ErrorCode::io_read);
  CHECK(open_error(write_bytes(folder.path("x"), "\x80\x02\x8a\x0al\xfc")).code() ==
        ErrorCode::checkpoint_zip);
  CHECK(open_error(write_bytes(folder.path("x"), "")).code() == ErrorCode::checkpoint_zip);
  CHECK(code({{"m/other", "x"}}) == ErrorCode::checkpoint_zip);
  CHECK(code({{"m/n/data.pkl", pickle_of(kSpecs)}}) == ErrorCode::checkpoint_zip);
  CHECK(code({{"m/data.pkl", "junk"}}) == ErrorCode::checkpoint_pickle);
  CHECK(code({{"m/data.pkl", pickle_of(kSpecs)}}) == ErrorCode::checkpoint_zip);
  CHECK(code({{"m/data.pkl", pickle_of(kSpecs)}, {"m/byteorder", "big"}, {"m/data/0", kBytes}}) ==
        ErrorCode::checkpoint_zip);
  CHECK(code({{"m/data.pkl", pickle_of(kSpecs)},
              {"m/data/0", std::string(1000, 'a'), ZIP_CM_DEFLATE}}) == ErrorCode::checkpoint_zip);
  CHECK(code({{"m/data.pkl", std::string((8U << 20U) + 1, 'a')}}) == ErrorCode::checkpoint_zip);
}

TEST_CASE("A tensor must lie in its storage") {
  const ScratchFolder folder;
  const auto error = [&folder](const std::string& pickle, const std::string& bytes) {
    return open_error(write_zip(folder.path("t"), {{"m/data.pkl", pickle}, {"m/data/0", bytes}}));
  };
  CHECK(error(pickle_of(kSpecs), "abcd").code() == ErrorCode::checkpoint_tensor);
  CHECK(error(pickle_of(kSpecs), "abcdefg").code() == ErrorCode::checkpoint_tensor);
  // The numbers of the pickle, from the last: stride, size, offset, elements of the storage.
  const auto with_number = [](int from_last, char value) {
    std::string pickle = pickle_of(kSpecs);
    std::size_t at = pickle.size();
    for (int i = 0; i < from_last; ++i) at = pickle.rfind("\x8a\x08", at - 1);
    pickle.at(at + 2) = value;
    return pickle;
  };
  CHECK(error(with_number(1, 2), kBytes).parts().found == "strides [2] for shape [3]");
  CHECK(error(with_number(2, 4), kBytes).parts().found == "shape [4] from element 0 on");
  CHECK(error(with_number(3, 1), kBytes).parts().found == "shape [3] from element 1 on");
  CHECK(error(with_number(3, 100), kBytes).parts().found == "shape [3] from element 100 on");
  CHECK(error(with_number(4, 4), kBytes).parts().found == "6 bytes in m/data/0");
}

TEST_CASE("Damage to the bytes of a tensor is noticed when they are read") {
  const ScratchFolder folder;
  const auto path = write_zip(folder.path("t"), good_entries());
  std::string bytes = read_bytes(path);
  bytes[bytes.find(kBytes)] = 'X';
  write_bytes(path, bytes);
  const auto store = open_torch_store(path);
  CHECK(error_of([&store] { (void)store->read("w"); }).code() == ErrorCode::checkpoint_zip);
}

TEST_CASE("Truncated archives are refused") {
  const ScratchFolder folder;
  const std::string good = read_bytes(write_zip(folder.path("t"), good_entries()));
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_NOTHROW(open_error(write_bytes(folder.path("t"), good.substr(0, length))));
}

}  // namespace
}  // namespace bitloom
