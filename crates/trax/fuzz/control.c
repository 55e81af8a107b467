// Hands a text to libtrax's own parsers, with nothing in between: what the fuzzer must never reach.
// fuzz/run makes sure that the sanitizers stop it, so that their silence elsewhere means something.
#include <stdlib.h>
#include <string.h>

#include "trax.h"

char *image_encode(trax_image *image);
trax_image *image_decode(char *buffer);

int main(int count, char **texts) {
    if (count != 3) return 0;
    if (strcmp(texts[1], "region") == 0) {
        free(trax_region_encode(trax_region_decode(texts[2])));
    } else {
        trax_image *image = image_decode(texts[2]);
        if (image) free(image_encode(image));
    }
    return 0;
}
