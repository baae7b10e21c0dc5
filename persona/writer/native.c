/* A Llama model in eight-bit whole numbers: adds one token or many to many texts at once.
 *
 * Every row is computed in one order, whatever the other rows and however many threads: whole numbers add exactly, and
 * all else goes row by row. Widths are multiples of 16 and at most WIDEST. Needs AVX-512 VNNI.
 */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float floats __attribute__((vector_size(64)));
typedef int32_t ints __attribute__((vector_size(64)));
typedef uint8_t bytes __attribute__((vector_size(16)));

#define LANES 16
#define COLUMNS 64  /* outputs that are summed side by side */
#define TOGETHER 4  /* queries that meet a block of keys side by side */
#define BLOCK 128   /* keys of a block */
#define MOST 512    /* queries of one unit of attention, at most */
#define WIDEST 16384
#define LARGEST 256 /* head size */
#define MANY 32     /* rows that are worth a second thread where little is done with each */
/* By hand, since compilers copy sums to and fro around the function for it. */
#define DOT(sums, bytes, weights) __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(bytes), "v"(weights))
#define KEEP(vector) __asm__("" : "+v"(vector))

/* A weight [out, in]: blocks of COLUMNS outputs, in each the inputs four by four. `sums` are 128 times each row's. */
struct weight {
    const int8_t *values;
    const int32_t *sums;
    const float *scale;
    int32_t in, out;
};

struct layer {
    struct weight qkv, out, gate_up, down;
    const float *attention_norm, *mlp_norm;
};

struct model {
    const struct layer *layers;
    struct weight head;
    const float *embeddings, *norm, *turns;
    float eps;
    int32_t count, width, inner, heads, key_heads, size;
};

/* Keys [layers, heads, size, slots] and values [layers, heads, tokens, size] that a row sees; strides in floats. */
struct shelf {
    const float *keys, *values;
    int64_t key_layer, key_head, value_layer, value_head;
    int32_t slots, count;
};

/* Rows are tokens that are added to texts. A row's `shelves` are three: a prefix, a prompt, and last the text that it is
 * added to, with the row itself counted. Rows from units[i] to units[i + 1] have the same prefix. The logits of the
 * rows `wanted`, in ascending order, are computed. */
struct batch {
    struct shelf *shelves;
    const int64_t *tokens;
    const int32_t *positions, *units, *wanted;
    float *hidden, *query, *flat, *mixed, *factor, *logits;
    uint8_t *whole;
    int32_t rows, unit_count, wanted_count, threads;
};

static inline floats load(const float *from) {
    floats found;
    memcpy(&found, from, sizeof found);
    return found;
}

static inline void store(float *to, floats values) { memcpy(to, &values, sizeof values); }

static inline floats all(float value) { return value - (floats){0}; }

static inline floats choose(ints which, floats yes, floats no) {
    return (floats)(((ints)yes & which) | ((ints)no & ~which));
}

static inline floats highest(floats one, floats other) { return choose(one > other, one, other); }

static inline floats size_of(floats values) { return (floats)((ints)values & 0x7fffffff); }

static inline float sum(floats values) {
    for (int width = LANES / 2; width; width /= 2)
        for (int at = 0; at < width; at++) values[at] += values[at + width];
    return values[0];
}

static inline float top(floats values) {
    for (int width = LANES / 2; width; width /= 2)
        for (int at = 0; at < width; at++)
            values[at] = values[at] > values[at + width] ? values[at] : values[at + width];
    return values[0];
}

/* The exponential to about two units in the last place, after Cephes (Moshier 1989); 0 for minus infinity. */
static inline floats exponential(floats x) {
    ints there = x > -1e30f;
    x = highest(x, all(-87.0f));
    x = -highest(-x, all(-88.0f));
    const float shift = 12582912.0f; /* Adding it rounds to whole numbers. */
    floats whole = x * 1.44269504f + shift - shift;
    floats rest = x - whole * 0.693359375f + whole * 2.12194440e-4f;
    floats found = rest * 1.9875691500e-4f + 1.3981999507e-3f;
    found = found * rest + 8.3334519073e-3f;
    found = found * rest + 4.1665795894e-2f;
    found = found * rest + 1.6666665459e-1f;
    found = found * rest + 5.0000001201e-1f;
    found = found * rest * rest + rest + 1.0f;
    found *= (floats)((__builtin_convertvector(whole, ints) + 127) << 23);
    return choose(there, found, all(0.0f));
}

/* Scale a row to 1..255 around 128; return the factor that undoes it. */
static float quantised(const float *row, float most, int width, uint8_t *out) {
    float factor = most / 127.0f + 1e-20f;
    floats scale = all(1.0f / factor);
    for (int at = 0; at < width; at += LANES) {
        ints whole = __builtin_convertvector(load(row + at) * scale + 128.5f, ints);
        bytes packed = __builtin_convertvector(whole, bytes);
        memcpy(out + at, &packed, sizeof packed);
    }
    return factor;
}

static inline __m512i four(const uint8_t *from) {
    int32_t found;
    memcpy(&found, from, 4);
    return _mm512_set1_epi32(found);
}

/* Write sums of products as numbers, LANES of a row's outputs from `column` on. */
static inline void put(__m512i sums, const struct weight *by, int column, float *row) {
    ints whole = (ints)sums - (ints)_mm512_loadu_si512(by->sums + column);
    floats found = __builtin_convertvector(whole, floats) * load(by->scale + column);
    int left = by->out - column;
    if (left > 0) memcpy(row + column, &found, (left < LANES ? left : LANES) * sizeof(float));
}

/* Functions for COLUMNS outputs of some rows. The sums have names, since compilers keep no tables in registers. */
#define START(row) __m512i s##row##0 = {0}, s##row##1 = {0}, s##row##2 = {0}, s##row##3 = {0};
#define ADD(row)                                             \
    {                                                        \
        __m512i asked = four(rows + (int64_t)row * in + at); \
        DOT(s##row##0, asked, w0); \
        DOT(s##row##1, asked, w1); \
        DOT(s##row##2, asked, w2); \
        DOT(s##row##3, asked, w3); \
    }
#define END(row)                                               \
    put(s##row##0, by, column, out + (int64_t)row * by->out);  \
    put(s##row##1, by, column + LANES, out + (int64_t)row * by->out); \
    put(s##row##2, by, column + 2 * LANES, out + (int64_t)row * by->out); \
    put(s##row##3, by, column + 3 * LANES, out + (int64_t)row * by->out);
#define COLUMNS_OF(name, EVERY)                                                                              \
    static void name(const uint8_t *rows, const struct weight *by, int block, float *out) {                   \
        int in = by->in, column = block * COLUMNS;                                                            \
        const int8_t *values = by->values + (int64_t)column * in;                                             \
        EVERY(START)                                                                                          \
        for (int at = 0; at < in; at += 4, values += 4 * COLUMNS) {                                           \
            __m512i w0 = _mm512_loadu_si512(values), w1 = _mm512_loadu_si512(values + 64);                    \
            __m512i w2 = _mm512_loadu_si512(values + 128), w3 = _mm512_loadu_si512(values + 192);             \
            EVERY(ADD)                                                                                        \
        }                                                                                                     \
        EVERY(END)                                                                                            \
    }
#define ONE(what) what(0)
#define TWO(what) ONE(what) what(1)
#define SIX(what) TWO(what) what(2) what(3) what(4) what(5)
COLUMNS_OF(columns_of_one, ONE)
COLUMNS_OF(columns_of_two, TWO)
COLUMNS_OF(columns_of_six, SIX)

static void product(const uint8_t *whole, int rows, const struct weight *by, float *out, int threads) {
    int blocks = (by->out + COLUMNS - 1) / COLUMNS;
    (void)threads;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int block = 0; block < blocks; block++) {
        const uint8_t *from = whole;
        float *to = out;
        int left = rows;
        for (; left >= 6; left -= 6, from += 6 * (int64_t)by->in, to += 6 * (int64_t)by->out)
            columns_of_six(from, by, block, to);
        for (; left >= 2; left -= 2, from += 2 * (int64_t)by->in, to += 2 * (int64_t)by->out)
            columns_of_two(from, by, block, to);
        if (left) columns_of_one(from, by, block, to);
    }
}

/* hidden += found * factor (if there is any), then its root-mean-square norm, quantised. */
static void add_norm(const struct model *model, const struct batch *batch, const float *found, const float *weight) {
    int width = model->width, threads = batch->threads;
#pragma omp parallel for num_threads(threads) if (threads > 1 && batch->rows >= MANY) schedule(static)
    for (int row = 0; row < batch->rows; row++) {
        float *own = batch->hidden + (int64_t)row * width, scratch[WIDEST];
        floats squares = {0}, most = {0};
        for (int at = 0; at < width; at += LANES) {
            floats values = load(own + at);
            if (found) {
                values += load(found + (int64_t)row * width + at) * batch->factor[row];
                store(own + at, values);
            }
            squares += values * values;
            values *= load(weight + at);
            store(scratch + at, values);
            most = highest(most, size_of(values));
        }
        float norm = 1.0f / sqrtf(sum(squares) / width + model->eps);
        batch->factor[row] = norm * quantised(scratch, top(most), width, batch->whole + (int64_t)row * width);
    }
}

/* Scale queries, keys and values, turn queries and keys, and put keys and values where the row's text stands. */
static void turn(const struct model *model, const struct batch *batch, int layer) {
    int heads = model->heads, key_heads = model->key_heads, size = model->size, every = heads + 2 * key_heads;
    int threads = batch->threads;
#pragma omp parallel for num_threads(threads) if (threads > 1 && batch->rows >= MANY) schedule(static)
    for (int row = 0; row < batch->rows; row++) {
        const struct shelf *own = batch->shelves + 3 * row + 2;
        const float *turns = model->turns + (int64_t)batch->positions[row] * size;
        float *keys = (float *)own->keys + layer * own->key_layer + own->count - 1;
        float *values = (float *)own->values + layer * own->value_layer + (int64_t)(own->count - 1) * size;
        float scale = batch->factor[row];
        for (int head = 0; head < every; head++) {
            const float *from = batch->flat + ((int64_t)row * every + head) * size;
            if (head >= heads + key_heads) {
                float *to = values + (head - heads - key_heads) * own->value_head;
                for (int at = 0; at < size; at++) to[at] = from[at] * scale;
                continue;
            }
            float turned[LARGEST];
            for (int at = 0; at < size; at += 2) {
                float one = from[at] * scale, other = from[at + 1] * scale;
                turned[at] = one * turns[at] - other * turns[at + 1];
                turned[at + 1] = one * turns[at + 1] + other * turns[at];
            }
            if (head < heads) {
                memcpy(batch->query + ((int64_t)row * heads + head) * size, turned, size * sizeof(float));
            } else {
                float *to = keys + (head - heads) * own->key_head;
                for (int at = 0; at < size; at++) to[(int64_t)at * own->slots] = turned[at];
            }
        }
    }
}

/* What a query has found so far. */
struct state {
    float best, total;
};

/* Scores of TOGETHER queries with `wide` times LANES keys. */
static inline __attribute__((always_inline)) void ask(const float *const *asked, const float *keys, int slots, int size,
                                                      int wide, float (*scores)[BLOCK]) {
    floats sums[TOGETHER][4] = {{{0}}};
    for (int at = 0; at < size; at++) {
        floats column[4];
        for (int part = 0; part < wide; part++) {
            column[part] = load(keys + (int64_t)at * slots + part * LANES);
            KEEP(column[part]);
        }
        for (int one = 0; one < TOGETHER; one++)
            for (int part = 0; part < wide; part++) sums[one][part] += asked[one][at] * column[part];
    }
    for (int one = 0; one < TOGETHER; one++)
        for (int part = 0; part < wide; part++) store(scores[one] + part * LANES, sums[one][part]);
}

/* Add `wide` times LANES numbers of the values, by their shares, to what TOGETHER queries have found. */
static inline __attribute__((always_inline)) void take(float (*scores)[BLOCK], const float *values, int count, int size,
                                                       int wide, float *const *found, int at) {
    floats sums[TOGETHER][4];
    for (int one = 0; one < TOGETHER; one++)
        for (int part = 0; part < wide; part++) sums[one][part] = load(found[one] + at + part * LANES);
    for (int key = 0; key < count; key++) {
        floats value[4];
        for (int part = 0; part < wide; part++) {
            value[part] = load(values + (int64_t)key * size + at + part * LANES);
            KEEP(value[part]);
        }
        for (int one = 0; one < TOGETHER; one++)
            for (int part = 0; part < wide; part++) sums[one][part] += scores[one][key] * value[part];
    }
    for (int one = 0; one < TOGETHER; one++)
        for (int part = 0; part < wide; part++) store(found[one] + at + part * LANES, sums[one][part]);
}

/* Let TOGETHER queries meet the next `count` keys and values, at most BLOCK; query i sees the first counts[i]. */
static void meet(const float *const *asked, struct state *const *states, float *const *found, const float *keys,
                 int slots, const float *values, const int *counts, int count, int size) {
    float scores[TOGETHER][BLOCK] __attribute__((aligned(64)));
    int padded = (count + LANES - 1) / LANES * LANES, key = 0, at = 0;
    for (; key + 4 * LANES <= padded; key += 4 * LANES)
        ask(asked, keys + key, slots, size, 4, (float(*)[BLOCK])(scores[0] + key));
    for (; key < padded; key += LANES) ask(asked, keys + key, slots, size, 1, (float(*)[BLOCK])(scores[0] + key));
    for (int one = 0; one < TOGETHER; one++) {
        for (key = counts[one]; key < padded; key++) scores[one][key] = -INFINITY;
        floats most = all(-INFINITY);
        for (key = 0; key < padded; key += LANES) most = highest(most, load(scores[one] + key));
        float best = top(most);
        best = best > states[one]->best ? best : states[one]->best;
        floats total = {0};
        for (key = 0; key < padded; key += LANES) {
            floats shares = exponential(load(scores[one] + key) - best);
            store(scores[one] + key, shares);
            total += shares;
        }
        float kept = exponential(all(states[one]->best - best))[0];
        states[one]->total = states[one]->total * kept + sum(total);
        states[one]->best = best;
        for (at = 0; at < size; at += LANES) store(found[one] + at, load(found[one] + at) * kept);
    }
    for (at = 0; at + 4 * LANES <= size; at += 4 * LANES) take(scores, values, count, size, 4, found, at);
    for (; at < size; at += LANES) take(scores, values, count, size, 1, found, at);
}

/* Attention of the rows from `first` to `end` over one of their shelves: the same keys, of which later rows may see
 * more. */
static void over(const struct model *model, const struct batch *batch, int layer, int head, int first, int end,
                 int which, struct state *states) {
    const struct shelf *shelf = batch->shelves + 3 * first + which;
    int size = model->size, heads = model->heads, group = heads / model->key_heads, every = (end - first) * group;
    int longest = batch->shelves[3 * (end - 1) + which].count;
    float unwanted[LARGEST];
    memset(unwanted, 0, size * sizeof(float));
    for (int start = 0; start < longest; start += BLOCK) {
        const float *keys = shelf->keys + layer * shelf->key_layer + head * shelf->key_head + start;
        const float *values = shelf->values + layer * shelf->value_layer + head * shelf->value_head +
                              (int64_t)start * size;
        for (int query = 0; query < every; query += TOGETHER) {
            const float *asked[TOGETHER];
            float *found[TOGETHER];
            struct state *own[TOGETHER], nobody = {-INFINITY, 0};
            int counts[TOGETHER], count = 0;
            for (int one = 0; one < TOGETHER; one++) {
                int there = query + one < every, at = there ? query + one : every - 1, row = first + at / group;
                int64_t place = ((int64_t)row * heads + at % group * model->key_heads + head) * size;
                asked[one] = batch->query + place;
                found[one] = there ? batch->mixed + place : unwanted;
                own[one] = there ? states + first * group + at : &nobody;
                counts[one] = batch->shelves[3 * row + which].count - start;
                counts[one] = counts[one] < 0 ? 0 : counts[one] > BLOCK ? BLOCK : counts[one];
                count = counts[one] > count ? counts[one] : count;
            }
            if (count) meet(asked, own, found, keys, shelf->slots, values, counts, count, size);
        }
    }
}

static void attend(const struct model *model, const struct batch *batch, int layer) {
    int size = model->size, heads = model->heads, key_heads = model->key_heads, group = heads / key_heads;
    int threads = batch->threads;
    memset(batch->mixed, 0, (int64_t)batch->rows * heads * size * sizeof(float));
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(dynamic)
    for (int unit = 0; unit < batch->unit_count * key_heads; unit++) {
        int head = unit % key_heads, first = batch->units[unit / key_heads], end = batch->units[unit / key_heads + 1];
        struct state every[MOST];
        for (int at = 0; at < (end - first) * group; at++) every[at] = (struct state){-INFINITY, 0};
        for (int which = 0; which < 3; which++)
            for (int row = first, next; row < end; row = next) {
                const float *shared = batch->shelves[3 * row + which].keys;
                for (next = row + 1; next < end && batch->shelves[3 * next + which].keys == shared;) next++;
                over(model, batch, layer, head, row, next, which, every - first * group);
            }
        for (int at = 0; at < (end - first) * group; at++) {
            int64_t place = (int64_t)(first + at / group) * heads + at % group * key_heads + head;
            float *found = batch->mixed + place * size, share = 1.0f / every[at].total;
            for (int part = 0; part < size; part += LANES) store(found + part, load(found + part) * share);
        }
    }
#pragma omp parallel for num_threads(threads) if (threads > 1 && batch->rows >= MANY) schedule(static)
    for (int row = 0; row < batch->rows; row++) {
        const float *found = batch->mixed + (int64_t)row * heads * size;
        floats most = {0};
        for (int at = 0; at < heads * size; at += LANES) most = highest(most, size_of(load(found + at)));
        batch->factor[row] = quantised(found, top(most), heads * size, batch->whole + (int64_t)row * heads * size);
    }
}

/* silu(gate) * up, quantised; rows are gates, then ups, all still to be multiplied with the row's factor. */
static void gated(const struct model *model, const struct batch *batch) {
    int width = model->inner, threads = batch->threads;
#pragma omp parallel for num_threads(threads) if (threads > 1 && batch->rows >= MANY) schedule(static)
    for (int row = 0; row < batch->rows; row++) {
        const float *gates = batch->flat + (int64_t)row * 2 * width, *ups = gates + width;
        float scratch[WIDEST];
        floats most = {0};
        for (int at = 0; at < width; at += LANES) {
            floats gate = load(gates + at) * batch->factor[row];
            floats found = gate / (1.0f + exponential(-gate)) * load(ups + at);
            store(scratch + at, found);
            most = highest(most, size_of(found));
        }
        batch->factor[row] *= quantised(scratch, top(most), width, batch->whole + (int64_t)row * width);
    }
}

/* Keep the rows that are wanted, each a unit by itself: in the last layer the others have done their part. */
static void narrow(const struct model *model, struct batch *batch, int32_t *units) {
    int64_t width = model->width, wide = model->heads * model->size;
    for (int at = 0; at < batch->wanted_count; at++) {
        int row = batch->wanted[at];
        memmove(batch->hidden + at * width, batch->hidden + row * width, width * sizeof(float));
        memmove(batch->query + at * wide, batch->query + row * wide, wide * sizeof(float));
        memmove(batch->shelves + 3 * at, batch->shelves + 3 * row, 3 * sizeof(struct shelf));
        units[at + 1] = at + 1;
    }
    units[0] = 0;
    batch->units = units;
    batch->rows = batch->unit_count = batch->wanted_count;
}

/* Add each row's token to its text; write the logits of what follows the wanted ones, [wanted, vocabulary].
 * `units` has room for one more than there are rows wanted. */
void run(const struct model *model, struct batch *batch, int32_t *units) {
    int width = model->width, threads = batch->threads;
    for (int row = 0; row < batch->rows; row++)
        memcpy(batch->hidden + (int64_t)row * width, model->embeddings + batch->tokens[row] * width,
               width * sizeof(float));
    const float *found = 0;
    for (int layer = 0; layer < model->count; layer++) {
        const struct layer *own = model->layers + layer;
        add_norm(model, batch, found, own->attention_norm);
        product(batch->whole, batch->rows, &own->qkv, batch->flat, threads);
        turn(model, batch, layer);
        if (layer + 1 == model->count && batch->wanted_count < batch->rows) narrow(model, batch, units);
        attend(model, batch, layer);
        product(batch->whole, batch->rows, &own->out, batch->flat, threads);
        add_norm(model, batch, batch->flat, own->mlp_norm);
        product(batch->whole, batch->rows, &own->gate_up, batch->flat, threads);
        gated(model, batch);
        product(batch->whole, batch->rows, &own->down, batch->flat, threads);
        found = batch->flat;
    }
    add_norm(model, batch, found, model->norm);
    product(batch->whole, batch->rows, &model->head, batch->logits, threads);
    int64_t vocabulary = model->head.out;
#pragma omp parallel for num_threads(threads) if (threads > 1 && batch->rows >= MANY) schedule(static)
    for (int row = 0; row < batch->rows; row++)
        for (int64_t at = 0; at < vocabulary; at++) batch->logits[row * vocabulary + at] *= batch->factor[row];
}
