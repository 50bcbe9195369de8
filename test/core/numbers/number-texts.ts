/** Texts that are numbers, or nearly: what the parsers of numbers are compared with redis-server on. */
import { SeededRandom } from '../../support/seeded-random.js';

const ODD = [
  '',
  ' ',
  '0',
  '-0',
  '+0',
  '00',
  '1 ',
  ' 1',
  '\t1',
  '1\n',
  '1\0',
  '\0',
  '.',
  '-',
  '+',
  '+-1',
  '.e1',
  'e1',
  '1e',
  '1e+',
  '1e-',
  '1.e1',
  '.1e1',
  '0x',
  '0x.',
  '0xg',
  '0x1p',
  '0x1p+',
  '0x.p1',
  '0x1.8p1',
  '-0x.8',
  '+0xff',
  '0X1P-2',
  '0x0p5',
  '0x1p16383',
  '0x1p16384',
  '0x1p-16445',
  '0x1p-16446',
  '0x1.8p-16446',
  '0x1p1023',
  '0x1p1024',
  '0x1p-1074',
  '0x1p-1075',
  '0x1.00001p-1075',
  '0xfffffffffffffffff',
  '0x1p99999999999999999999',
  '0x1p-99999999999999999999',
  '0x0p99999999999999999999',
  'inf',
  '-inf',
  '+inf',
  'INF',
  'Infinity',
  '-INFINITY',
  'infi',
  'infinityx',
  'nan',
  '-nan',
  'NAN',
  'nan(1)',
  'nan(',
  '1e308',
  '1e309',
  '-1e309',
  '1e-323',
  '1e-324',
  '2e-324',
  '3e-324',
  '0e999999999999999999999',
  '0e-999999999999999999999',
  '1e4932',
  '1e4933',
  '-1e4933',
  '1.18973149535723176502e+4932',
  '1.18973149535723176503e+4932',
  '1.18973149535723176509e+4932',
  '3.64519953188247460253e-4951',
  '1e-4951',
  '1e-4952',
  '1.8e-4951',
  '1.83e-4951',
  '9007199254740993',
  '18446744073709551615',
  '18446744073709551616',
  '18446744073709551617',
  '36893488147419103233',
  '1,5',
  '1_0',
  '0.1',
  '1.1',
  '0.000000000000000005',
  '0.0000000000000000051',
  '0.000000000000000015',
  '-0.000000000000000001',
  '123456789.123456789',
  '3.0e3',
  '5.0e3',
  '200000.0e-4',
];

/** As many texts as asked for; the same ones for the same seed. None is longer than 5 KiB by much. */
export function numberTexts(seed: number, count: number): string[] {
  const random = new SeededRandom(seed);
  const digits = (length: number, base = 10) => {
    let text = '';
    for (let i = 0; i < length; i++) text += random.below(base).toString(base);
    return text;
  };
  const length = () => (random.chance(0.02) ? random.below(400) : random.below(random.chance(0.2) ? 40 : 12));
  const sign = () => random.pick(['', '', '-', '+']);
  const number = () => {
    switch (random.below(8)) {
      case 0:
        return `${sign()}${digits(length())}`;
      case 1:
        return `${sign()}0x${digits(random.below(20), 16)}.${digits(random.below(20), 16)}p${sign()}${digits(random.below(4))}`;
      case 2:
        return `${sign()}${digits(1)}.${digits(length())}e${sign()}${digits(random.below(5))}`;
      case 3:
        return `${sign()}${digits(length())}.${digits(length())}e${sign()}${digits(random.below(3))}`;
      case 4:
        // Near the middle of two neighbours.
        return `${sign()}${(2n ** BigInt(random.between(52, 80)) * 2n + 1n) * 5n ** BigInt(random.below(20))}e-${random.below(30)}`;
      default:
        return `${sign()}${digits(random.below(8))}.${digits(random.below(20))}`;
    }
  };
  const texts = [...ODD, '1'.repeat(5119), '1'.repeat(5120), `0.${'0'.repeat(5116)}1`, `0.${'0'.repeat(5000)}1e5001`];
  while (texts.length < count) {
    let text = number();
    if (random.chance(0.05)) {
      const at = random.below(text.length + 1);
      text =
        text.slice(0, at) +
        random.pick([' ', 'e', '.', '-', '+', 'x', 'p', '\0', 'a', 'n', '0']) +
        text.slice(at + random.below(2));
    }
    texts.push(text);
  }
  return texts.slice(0, count);
}
