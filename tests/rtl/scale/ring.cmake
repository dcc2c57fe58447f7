# SPDX-License-Identifier: Apache-2.0
bitloom_rtl_model(RingJoined TOP bl_scale_ring PARAMETERS LineW=32 VectorW=32 Depth=8 JobQueue=2)
bitloom_rtl_model(RingPair TOP bl_scale_ring PARAMETERS LineW=64 VectorW=32 Depth=32 JobQueue=4)
bitloom_rtl_model(RingSplit TOP bl_scale_ring PARAMETERS LineW=256 VectorW=32 Depth=32 JobQueue=2)
target_sources(rtl_scale_test PRIVATE ring_test.cpp)
target_link_libraries(rtl_scale_test PRIVATE rtl_RingJoined rtl_RingPair rtl_RingSplit)
