#pragma once
#include <rbd/librbd.h>
