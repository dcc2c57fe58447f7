# SPDX-License-Identifier: Apache-2.0
# Verilator decides how many C++ files a model has; one file that includes them all lets the build
# name what it compiles. Usage: cmake -DDIR=<model folder> -P join.cmake
file(GLOB PARTS RELATIVE ${DIR} ${DIR}/V*.cpp)
list(SORT PARTS)
list(TRANSFORM PARTS REPLACE "(.+)" "#include \"\\1\"\n")
list(JOIN PARTS "" TEXT)
file(WRITE ${DIR}/model.cpp "${TEXT}")
