/* The backward pass of depthwise convolutions of maps that lie as [N][H][W][C].
   Weights lie as [K*K][C].  Channels are taken in blocks that stay in the nearest cache. */
#define BLOCK 64

static int from(int at, int pad, int stride) { /* first tap inside the map */
    int start = at * stride - pad;
    return start < 0 ? -start : 0;
}

static int until(int at, int kernel, int pad, int stride, int side) { /* one past the last */
    int start = at * stride - pad;
    return start + kernel > side ? side - start : kernel;
}

/* dx, dw and db must be zero before. */
void backward(const float *x, const float *w, const float *g, float *dx, float *dw, float *db, int n, int h, int wide,
              int c, int oh, int ow, int k, int stride, int pad)
{
    for (int c0 = 0; c0 < c; c0 += BLOCK) {
        int many = c - c0 < BLOCK ? c - c0 : BLOCK;
        for (int image = 0; image < n; image++)
            for (int i = 0; i < oh; i++)
                for (int j = 0; j < ow; j++) {
                    const float *gs = g + (((long)image * oh + i) * ow + j) * c + c0;
                    int b0 = from(j, pad, stride), b1 = until(j, k, pad, stride, wide);
                    for (int q = 0; q < many; q++) db[c0 + q] += gs[q];
                    for (int a = from(i, pad, stride); a < until(i, k, pad, stride, h); a++)
                        for (int b = b0; b < b1; b++) {
                            long cell = ((long)image * h + i * stride - pad + a) * wide + j * stride - pad + b;
                            long tap = (long)(a * k + b) * c + c0;
                            const float *restrict xs = x + cell * c + c0, *restrict ws = w + tap;
                            float *restrict dxs = dx + cell * c + c0, *restrict dws = dw + tap;
                            const float *restrict gg = gs;
                            for (int q = 0; q < many; q++) {
                                dxs[q] += gg[q] * ws[q];
                                dws[q] += gg[q] * xs[q];
                            }
                        }
                }
    }
}
