#pragma once
#include <rados/librados.h>
