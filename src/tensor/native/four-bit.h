// A matrix made of its 4 bits. Bytes come as float32 of the same bits, four to a number.
#pragma once
#include "four-bit-block.h"
#include "op.h"

namespace lorikeet {

class FourBit : public OpKernel {
 public:
  explicit FourBit(OpKernelConstruction* c)
      : OpKernel(c),
        rows(attribute<int64_t>(c, "rows")),
        columns(attribute<int64_t>(c, "columns")),
        offset(attribute<float>(c, "offset")) {}
  void Compute(OpKernelContext* c) override {
    const int64_t size = rows * columns, blocks = (size + FOUR_BIT_BLOCK - 1) / FOUR_BIT_BLOCK;
    LORIKEET_REQUIRES(c, fits(c, blocks), "codes or magnitudes do not fit the shape");
    Tensor* y = output(c, 0, TensorShape({rows, columns}));
    if (!c->status().ok()) return;
    const uint8_t* packed = data_of<uint8_t>(c->input(0));
    const FourBitTable table(data_of<float>(c->input(1)));
    const bool is_nested = !is_absent(c->input(3));
    const Magnitudes magnitudes{data_of<float>(c->input(2)), is_nested ? data_of<uint8_t>(c->input(2)) : nullptr,
                                data_of<float>(c->input(3)), data_of<float>(c->input(4)), offset};
    by_type(y->dtype(), [&](auto type) {
      using T = decltype(type);
      T* out = data_of<T>(*y);
      parallel(c, blocks, FOUR_BIT_BLOCK, [=](int64_t begin, int64_t end) {
        four_bit_values(packed, table, magnitudes, begin, end, size, out);
      });
    });
  }

 private:
  /// A float has 8 codes, or 4 of magnitudes.
  static bool fits(OpKernelContext* c, int64_t blocks) {
    const int64_t groups = (blocks + FOUR_BIT_GROUP - 1) / FOUR_BIT_GROUP;
    const bool is_nested = !is_absent(c->input(3));
    return c->input(0).NumElements() >= blocks * FOUR_BIT_BLOCK / 8 && c->input(1).NumElements() == 512 &&
           c->input(2).NumElements() >= (is_nested ? (blocks + 3) / 4 : blocks) &&
           (!is_nested || (c->input(3).NumElements() == 256 && c->input(4).NumElements() >= groups));
  }

  const int64_t rows, columns;
  const float offset;
};

REGISTER_OP("LorikeetFourBit")
    .Input("packed: float").Input("pairs: float").Input("magnitudes: float")
    .Input("nested_table: float").Input("nested_magnitudes: float").Output("y: Y")
    .Attr("Y: {float, bfloat16}").Attr("rows: int").Attr("columns: int").Attr("offset: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetFourBit", FourBit);

}  // namespace lorikeet
