/* Click probabilities of rows on standard input, by a model that `deepfm export` wrote, in this process:

       cc Examples/predict.c -ISources/Predictor -L.build/release -ldeepfm-predict -Wl,-rpath,.build/release -o predict
       ./predict model.safetensors < rows.txt
*/
#include <stdio.h>
#include <stdlib.h>

#include "deepfm.h"

int main(int count, char **arguments) {
  char error[1024];
  if (count != 2) return fprintf(stderr, "usage: %s MODEL < ROWS\n", arguments[0]), 2;
  deepfm_model *model = deepfm_open(arguments[1], error, sizeof error);
  if (!model) return fprintf(stderr, "%s\n", error), 1;
  enum { most = 1 << 16 };
  static float probabilities[most];
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  while ((length = getline(&line, &capacity, stdin)) > 0) {
    long rows = deepfm_predict(model, line, (size_t)length, probabilities, most, error, sizeof error);
    if (rows < 0) return fprintf(stderr, "%s\n", error), 1;
    for (long row = 0; row < rows; row++) printf("%.9g\n", probabilities[row]);
  }
  free(line);
  deepfm_close(model);
  return 0;
}
