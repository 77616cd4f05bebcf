// The handwritten digits are part of the program, so that it can train and show something wherever it is copied to.
#pragma clang diagnostic ignored "-Wc23-extensions"

#include "include/CTrainingKernels.h"

static const unsigned char images[] = {
#embed "../../fixtures/digits/images.idx3-ubyte"
};

static const unsigned char labels[] = {
#embed "../../fixtures/digits/labels.idx1-ubyte"
};

imwa_embedded_file imwa_digit_images(void) {
  return (imwa_embedded_file){images, sizeof images};
}

imwa_embedded_file imwa_digit_labels(void) {
  return (imwa_embedded_file){labels, sizeof labels};
}
