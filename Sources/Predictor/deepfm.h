/* Click probabilities by a trained model, in a program's own process. Link with libdeepfm-predict.so. */
#ifndef DEEPFM_H
#define DEEPFM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct deepfm_model deepfm_model;

/* Opens a model: a file of `deepfm export`, or a run's directory, of which it takes the last checkpoint.
   NULL where that cannot be; a sentence of at most `size` bytes is then in `error`, which may be NULL. */
deepfm_model *deepfm_open(const char *path, char *error, size_t size);

/* Scores rows of text, one a line, as the training data have them; what stands in a label's place is not looked at.
   Writes a probability for each, of which there is room for `capacity`, and returns how many there are; -1 where a row
   cannot be read or there are more, with a sentence in `error`. Threads may share a model. */
long deepfm_predict(
    deepfm_model *model, const char *rows, size_t bytes, float *probabilities, size_t capacity, char *error,
    size_t size);

/* Closes it. Nobody may use it any more. NULL is nothing. */
void deepfm_close(deepfm_model *model);

#ifdef __cplusplus
}
#endif
#endif
