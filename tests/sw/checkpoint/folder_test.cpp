// SPDX-License-Identifier: Apache-2.0
// Folders of shards and the index that joins them.
#include <catch2/catch.hpp>

#include "sw/checkpoint/tensor_store.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace bitloom {
namespace {

void write_shard(const ScratchFolder& folder, const std::string& name,
                 const std::vector<std::string>& tensors) {
  std::vector<NamedTensor> list;
  list.reserve(tensors.size());
  for (const std::string& tensor : tensors)
    list.push_back({tensor, Dtype::u8, {2}, {static_cast<std::uint8_t>(tensor[0]), 0}});
  write_safetensors(folder.path(name), {}, list);
}

void write_index(const ScratchFolder& folder, const std::string& map) {
  write_bytes(folder.path("model.safetensors.index.json"), "{\"weight_map\": " + map + "}");
}

Error open_error(const ScratchFolder& folder) {
  return error_of([&folder] { open_folder_store(folder.path("")); });
}

TEST_CASE("Tensors are found in the shards that the index names") {
  const ScratchFolder folder;
  write_shard(folder, "1.safetensors", {"a", "b"});
  write_shard(folder, "2.safetensors", {"c"});
  write_index(folder, R"({"a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors"})");
  const auto store = open_folder_store(folder.path(""));
  CHECK(store->tensors().size() == 3);
  CHECK(store->read("b") == std::vector<std::uint8_t>{'b', 0});
  CHECK(store->read("c", 0, 1) == std::vector<std::uint8_t>{'c'});
}

TEST_CASE("A folder without weights is refused") {
  const ScratchFolder folder;
  CHECK(open_error(folder).code() == ErrorCode::checkpoint_path);
}

TEST_CASE("All shards that are missing are named at once, and so are all tensors") {
  const ScratchFolder folder;
  write_shard(folder, "1.safetensors", {"a"});
  write_index(folder, R"({"a": "1.safetensors", "b": "3.safetensors", "c": "2.safetensors"})");
  Error error = open_error(folder);
  CHECK(error.code() == ErrorCode::checkpoint_shard);
  CHECK(error.parts().found == "no 2.safetensors, 3.safetensors");
  write_shard(folder, "2.safetensors", {"x"});
  write_shard(folder, "3.safetensors", {"x"});
  error = open_error(folder);
  CHECK(error.code() == ErrorCode::checkpoint_shard);
  CHECK(error.parts().found == "no b in 3.safetensors, c in 2.safetensors");
}

TEST_CASE("A tensor in another shard than the index says, or in none of it, is refused") {
  const ScratchFolder folder;
  write_shard(folder, "1.safetensors", {"a"});
  write_shard(folder, "2.safetensors", {"a", "b"});
  write_index(folder, R"({"a": "1.safetensors", "b": "2.safetensors"})");
  CHECK(open_error(folder).parts().expected == "it in 1.safetensors only");
  write_shard(folder, "2.safetensors", {"b", "c"});
  CHECK(open_error(folder).code() == ErrorCode::checkpoint_shard);
  CHECK(open_error(folder).parts().expected == "only tensors of the index");
}

TEST_CASE("A truncated shard is refused") {
  const ScratchFolder folder;
  write_shard(folder, "1.safetensors", {"a"});
  write_index(folder, R"({"a": "1.safetensors"})");
  const std::string bytes = read_bytes(folder.path("1.safetensors"));
  write_bytes(folder.path("1.safetensors"), bytes.substr(0, bytes.size() - 1));
  CHECK(open_error(folder).code() == ErrorCode::st_bounds);
}

TEST_CASE("An index names files of its own folder only") {
  const ScratchFolder folder;
  for (const char* shard :
       {R"("../a")", R"("/etc/passwd")", R"("")", R"("..")", "5", R"("a\u0000b")"}) {
    write_index(folder, std::string("{\"a\": ") + shard + "}");
    CHECK(open_error(folder).code() == ErrorCode::checkpoint_shard);
  }
  for (const char* map : {"[]", "null", "5"}) {
    write_index(folder, map);
    CHECK(open_error(folder).code() == ErrorCode::checkpoint_config);
  }
}

}  // namespace
}  // namespace bitloom
